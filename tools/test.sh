#!/usr/bin/env bash
# README's second command: set-up, build, all tests. Further arguments go to ctest (for instance: -L unit, -R cli.test_bad_input).
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh --dev
cmake --preset release >/dev/null
cmake --build --preset release
code=0
ctest --preset release --no-tests=error "$@" || code=$?
# To ctest a file of Python tests has passed where single ones of it were skipped: pytest says which, and why.
grep -hs '^SKIPPED ' build/release/Testing/Temporary/LastTest.log | sort -u || true
exit $code
