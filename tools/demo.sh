#!/usr/bin/env bash
# README's first command: set-up, build, and the main job on the demo model.
#
#   tools/demo.sh [SCHEME] [OPTIONS OF quantize ...]      SCHEME: w8a8 (default), w8a16 or w4a16
set -euo pipefail
cd "$(dirname "$0")/.."

scheme=${1:-w8a8}
shift || true

tools/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release --target quantize_program
mkdir -p build/demo
build/release/bin/quantize data/demo/model.onnx --calib data/demo/calib --test data/demo/test --labels data/demo/labels \
  --scheme "$scheme" -o "build/demo/demo.$scheme.onnx" "$@"
