#!/usr/bin/env bash
# Fuzzes what reads other people's files: tools/fuzz.sh [SECONDS] [TARGET...]
#
# Builds the preset `fuzz` (Clang, libFuzzer, address and undefined-behaviour sanitizers) and runs each target (model image npy config) for
# SECONDS (default 60), two at a time. What is learned stays in build/fuzz/corpus; inputs that bring a target down are put in
# build/fuzz/findings: fix the defect and commit the file to tests/fuzz/crashes/TARGET, which the ordinary tests replay.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(model image npy config)

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
mkdir -p build/fuzz/findings

fuzz() {
  local corpus=build/fuzz/corpus/$1
  mkdir -p "$corpus"
  build/fuzz/bin/"fuzz_$1" -max_total_time="$seconds" -timeout=120 -rss_limit_mb=3000 -max_len=8192 -close_fd_mask=1 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$1-" "$corpus" "tests/fuzz/corpus/$1" >"build/fuzz/$1.log" 2>&1 </dev/null
}

status=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  pids=()
  for target in "${targets[@]:i:2}"; do
    fuzz "$target" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=1; done
done
for target in "${targets[@]}"; do
  echo "$target: $(grep -oE 'stat::number_of_executed_units: *[0-9]+' "build/fuzz/$target.log" | grep -oE '[0-9]+') inputs," \
    "coverage $(grep -oE 'cov: [0-9]+' "build/fuzz/$target.log" | tail -1 | grep -oE '[0-9]+'), findings:" \
    "$(find build/fuzz/findings -name "$target-*" | wc -l)"
done
exit $status
