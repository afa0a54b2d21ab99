#!/usr/bin/env bash
# README's second command: set-up, build, all tests. Further arguments go to ctest (for instance: -L unit, -R cli.test_bad_input).
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh --dev
cmake --preset release >/dev/null
cmake --build --preset release
ctest --preset release --no-tests=error "$@"
