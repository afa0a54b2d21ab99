#!/usr/bin/env bash
# Fails where a source file has grown past 300 lines: it could be two things with two names.
cd "$(dirname "$0")/.." || exit 1
long=$(find src tools tests -name '*.cpp' -o -name '*.h' -o -name '*.py' -o -name '*.js' -o -name '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 300')
[ -z "$long" ] || { echo "longer than 300 lines:"; echo "$long"; exit 1; }
