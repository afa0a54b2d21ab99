#!/usr/bin/env bash
# README's first command: set-up, build, and the main job on the demo model. Further arguments go to the program (for instance: --scheme w4a16 -O2).
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release --target quantize_program
mkdir -p build/demo
build/release/bin/quantize data/demo/model.onnx --calib data/demo/calib --test data/demo/test --labels data/demo/labels \
  --scheme w8a8 -o build/demo/demo.w8a8.onnx "$@"
