#!/usr/bin/env bash
# Fails where a station of src/ includes one that comes after it, or ONNX Runtime's headers are used outside run/ and observe/.
cd "$(dirname "$0")/../src" || exit 1
order=(base model ops dataset run prepare encode observe formats rewrite verify report evaluate optimize mixed pipeline)
declare -A rank
for i in "${!order[@]}"; do rank[${order[$i]}]=$i; done
rank[observe]=${rank[encode]}  # statistics and range rules belong together; neither uses the other's code beyond that
status=0
while IFS=: read -r file include; do
  from=${file%%/*}; to=$(sed -E 's/.*"([a-z]+)\/.*/\1/' <<<"$include")
  [ -n "${rank[$to]:-}" ] || continue
  if [ "${rank[$to]}" -gt "${rank[$from]}" ]; then echo "$file includes $to/, which comes after $from/"; status=1; fi
done < <(grep -rE '#include "[a-z]+/' --include=*.h --include=*.cpp . | sed 's/^\.\///')
outside=$(grep -rlE '#include <onnxruntime' --include=*.h --include=*.cpp . | grep -vE '^\./(run|observe)/')
[ -z "$outside" ] || { echo "ONNX Runtime's headers outside run/ and observe/: $outside"; status=1; }
exit $status
