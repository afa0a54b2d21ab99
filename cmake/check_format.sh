#!/usr/bin/env bash
# Fails where clang-format would change a file.
cd "$(dirname "$0")/.." || exit 1
find src tools tests -name '*.cpp' -o -name '*.h' | xargs clang-format --dry-run --Werror 2>&1 | grep -E 'error' | head -20
[ "${PIPESTATUS[1]}" -eq 0 ]
