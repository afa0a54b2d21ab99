#!/usr/bin/env bash
# Installs what a fresh Debian or Ubuntu machine lacks to build, test and run this project. Safe to run twice: what is there is left alone.
#
#   tools/setup.sh             everything the build and the demo need
#   tools/setup.sh --dev       also what only the tests need (Python packages, headless Chromium, Clang's tools)
#   tools/setup.sh --with qnn --with openvino
#                              also the runtimes of other devices: Qualcomm's execution provider with its NPU simulator and compiler
#                              (99 MB to fetch), OpenVINO (59 MB); both for x86-64 only
#
# ONNX, ONNX Runtime and the chart library are pinned by version and checksum and kept in a cache outside the build tree:
#   $QUANTIZE_CACHE, by default ~/.cache/quantize
set -euo pipefail

cache=${QUANTIZE_CACHE:-$HOME/.cache/quantize}
onnx_version=1.19.1
onnx_sha256=737524d6eb3907d3499ea459c6f01c5a96278bb3a0f2ff8ae04786fb5d7f1ed5
ort_version=1.32.0
ort_sha256_x86_64=99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8
ort_sha256_aarch64=e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054
ort_headers_package=com.github.asus4.onnxruntime@0.4.9
ort_headers_sha256=e59788788818fdde1b2e522e766a21ba0f7d8391de55737abf81e32cc801785d
qnn_version=2.7.0
qnn_sha256=c56c01562b8534fe8980cfea4601408d950c065f8251fb862ce82101c52c9849
openvino_version=2026.4.1
openvino_sha256_311=2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf  # by Python version: the wheels hold its extension modules
openvino_sha256_312=6b4375c17ddcac83a5180349e2e2bb811185c261066e2a920659892d58ef0e3b
openvino_sha256_313=a9b637846c579d7b81b17b6585e0c7b1947574e8d13cf83d7307ce50cd2c352e
uplot_package=uplot@1.6.32
uplot_sha256=4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d

build_packages=(build-essential cmake ninja-build pkg-config git libprotobuf-dev protobuf-compiler libcli11-dev libspdlog-dev
  libstb-dev nlohmann-json3-dev libgtest-dev libbenchmark-dev libhwy-dev libeigen3-dev libxxhash-dev libtomlplusplus-dev python3 python3-venv unzip)
dev_packages=(clang clang-format clang-tidy libclang-rt-dev zsh fish groff-base man-db)
optional_packages=(chromium)  # Ubuntu has it as a snap alone; tests that look at pages are skipped without
cmake_needed=3.25
python_packages=("numpy==1.26.4; python_version < '3.13'" "numpy==2.4.6; python_version >= '3.13'" pillow==11.3.0 onnx==1.19.1 onnxruntime==1.32.0 jsonschema==4.25.1 pytest==8.4.2)
workflow_packages=(snakemake==9.27.1)

dev=0 with=()
usage() { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --dev) dev=1 ;;
    --with) case ${2:-} in qnn | openvino) with+=("$2"); shift ;; *) usage ;; esac ;;
    *) usage ;;
  esac
  shift
done

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
fail() { printf '[setup] error: %s\n' "$*" >&2; exit 1; }

# --- system packages -------------------------------------------------------------------------------------------------
is_installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }
has_any() { [ $# -gt 0 ] && [ -n "$(apt-cache madison "$@" 2>/dev/null)" ]; }  # whether apt knows one of them

install_system_packages() {
  local wanted=("${build_packages[@]}") missing=() optional=() package sudo=() variable proxies=()
  [ "$dev" = 1 ] && wanted+=("${dev_packages[@]}")
  command -v npm >/dev/null || wanted+=(npm)
  command -v dpkg-query >/dev/null || fail "this is not Debian or Ubuntu; install these by hand and run again: ${wanted[*]}"
  for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  for package in "${optional_packages[@]}"; do
    [ "$dev" = 0 ] || is_installed "$package" || optional+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || has_any "${optional[@]}" || return 0
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      [ ${#missing[@]} -gt 0 ] || return 0
      fail "no right to install system packages; ask an administrator for: ${missing[*]}"
    fi
    sudo=(sudo -n)
  fi
  for variable in http_proxy https_proxy no_proxy; do  # sudo drops them
    [ -z "${!variable:-}" ] || proxies+=("$variable=${!variable}")
  done
  "${sudo[@]}" env "${proxies[@]}" apt-get update -qq
  for package in "${optional[@]}"; do
    has_any "$package" && missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  "${sudo[@]}" env "${proxies[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# --- helpers ---------------------------------------------------------------------------------------------------------
# What is fetched or built is made in a scratch folder and renamed into place, so that an interrupted set-up leaves no half of it; the Python
# environments, which cannot be moved, are complete when their stamps are there.
scratch=
cleanup() { [ -z "$scratch" ] || rm -rf "$scratch"; }
trap cleanup EXIT

check_sum() { echo "$2  $1" | sha256sum --check --status || fail "$(basename "$1"): checksum differs from the pinned one, not used"; }

npm_fetch() { # npm_fetch PACKAGE: into $scratch
  (cd "$scratch" && npm pack --loglevel error "$1" >/dev/null) || fail "npm could not fetch $1"
}

publish() { # publish FOLDER NAME: rename FOLDER to $cache/NAME
  rm -rf "${cache:?}/$2"
  mv "$1" "$cache/$2"
}

# --- the Python environment: fetches packages, and runs the tests that compare against numpy, Pillow and ONNX's Python -----
install_python() {
  if ! "$cache/python/bin/pip" --version >/dev/null 2>&1; then  # none, or of a Python that a distribution's upgrade took away
    say "making a Python environment"
    rm -rf "$cache/python"
    python3 -m venv "$cache/python"
  fi
  [ "$dev" = 1 ] || return 0
  local stamp="$cache/python/installed.txt"
  [ "$(cat "$stamp" 2>/dev/null)" = "${python_packages[*]}" ] && return
  say "installing Python packages for the tests"
  "$cache/python/bin/pip" install -q --disable-pip-version-check "${python_packages[@]}"
  echo "${python_packages[*]}" >"$stamp"
}

# The workflow engine has an environment of its own: its many dependencies must not decide what the tests run with.
install_workflow() {
  local stamp="$cache/workflow/installed.txt"
  [ "$dev" = 1 ] || return 0
  [ "$(cat "$stamp" 2>/dev/null)" = "${workflow_packages[*]}" ] && return
  say "installing ${workflow_packages[*]}"
  rm -rf "$cache/workflow"
  python3 -m venv "$cache/workflow"
  "$cache/workflow/bin/pip" install -q --disable-pip-version-check "${workflow_packages[@]}"
  echo "${workflow_packages[*]}" >"$stamp"
}

install_onnx() {
  local name=onnx-$onnx_version made_for
  made_for="$(uname -m), $(protoc --version)"  # a distribution's upgrade brings another protobuf, and its headers refuse this one's
  [ -d "$cache/$name" ] && [ "$(cat "$cache/$name/made_for.txt" 2>/dev/null || echo "$made_for")" = "$made_for" ] && return
  say "building ONNX $onnx_version (about 4 minutes on 2 cores)"
  # By its hash, as pip runs code of the package to learn about it, and must not before the package is known to be the right one.
  echo "onnx==$onnx_version --hash=sha256:$onnx_sha256" >"$scratch/onnx.txt"
  "$cache/python/bin/pip" download -q --disable-pip-version-check --no-deps --no-binary onnx --require-hashes -r "$scratch/onnx.txt" -d "$scratch"
  tar xzf "$scratch/onnx-$onnx_version.tar.gz" -C "$scratch"
  cmake -S "$scratch/onnx-$onnx_version" -B "$scratch/onnx-build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$scratch/onnx-prefix" \
    -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DONNX_ML=ON -DONNX_USE_PROTOBUF_SHARED_LIBS=ON -DONNX_BUILD_TESTS=OFF \
    -DPython3_EXECUTABLE="$(command -v python3)" >"$scratch/onnx.log" 2>&1 &&
    cmake --build "$scratch/onnx-build" --target install >>"$scratch/onnx.log" 2>&1 || { tail -30 "$scratch/onnx.log" >&2; fail "ONNX did not build"; }
  echo "$made_for" >"$scratch/onnx-prefix/made_for.txt"
  publish "$scratch/onnx-prefix" $name
}

install_onnxruntime() {
  local name=onnxruntime-$ort_version machine sum headers
  [ -d "$cache/$name" ] && return
  machine=$(uname -m)
  case $machine in
    x86_64) sum=$ort_sha256_x86_64 ;;
    aarch64) sum=$ort_sha256_aarch64 ;;
    *) fail "no prebuilt ONNX Runtime for $machine; build one and configure with -DONNXRUNTIME_ROOT=" ;;
  esac
  say "fetching ONNX Runtime $ort_version"
  "$cache/python/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.12 \
    --platform "manylinux_2_28_$machine" -d "$scratch" "onnxruntime==$ort_version"
  check_sum "$scratch"/onnxruntime-*.whl "$sum"
  npm_fetch $ort_headers_package
  check_sum "$scratch"/com.github.asus4.onnxruntime-*.tgz $ort_headers_sha256
  mkdir -p "$scratch/ort/lib" "$scratch/ort/include"
  unzip -q -j "$scratch"/onnxruntime-*.whl "onnxruntime/capi/libonnxruntime.so.$ort_version" onnxruntime/LICENSE onnxruntime/ThirdPartyNotices.txt -d "$scratch/ort/lib"
  ln -s "libonnxruntime.so.$ort_version" "$scratch/ort/lib/libonnxruntime.so.1"
  ln -s libonnxruntime.so.1 "$scratch/ort/lib/libonnxruntime.so"
  headers='package/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers'
  tar xzf "$scratch"/com.github.asus4.onnxruntime-*.tgz -C "$scratch/ort/include" --strip-components=7 "$headers"
  publish "$scratch/ort" $name
}

install_charts() {
  local name=uplot-${uplot_package#*@}
  [ -d "$cache/$name" ] && return
  say "fetching ${uplot_package}"
  npm_fetch $uplot_package
  check_sum "$scratch"/uplot-*.tgz $uplot_sha256
  mkdir -p "$scratch/uplot"
  tar xzf "$scratch"/uplot-*.tgz -C "$scratch/uplot" --strip-components=1
  publish "$scratch/uplot" $name
}

# --- runtimes of other devices ---------------------------------------------------------------------------------------
fetch_wheel() { # fetch_wheel NAME VERSION PYTHON PLATFORM SHA256: into $scratch/NAME, unpacked
  [ "$(uname -m)" = x86_64 ] || fail "$1 is available for x86-64 only"
  say "fetching $1 $2"
  mkdir -p "$scratch/$1"
  "$cache/python/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary :all: --python-version "$3" --platform "$4" \
    -d "$scratch/wheels" "$1==$2"
  check_sum "$scratch/wheels/${1//-/_}-$2"-*.whl "$5"
  unzip -q "$scratch/wheels/${1//-/_}-$2"-*.whl -d "$scratch/$1"
}

# The folders keep the form of the wheels, so that the tests can import them too: PYTHONPATH=$cache/NAME.
install_qnn() {
  local name=onnxruntime-qnn-$qnn_version
  [ -d "$cache/$name" ] && return
  fetch_wheel onnxruntime-qnn $qnn_version 3.11 manylinux_2_35_x86_64 $qnn_sha256
  rm "$scratch/onnxruntime-qnn/onnxruntime_qnn/"lib{Genie,QnnGpu}.so  # for language models and for phones' GPUs
  publish "$scratch/onnxruntime-qnn" "$name"
}

install_openvino() {
  local name=openvino-$openvino_version python sum
  [ -d "$cache/$name" ] && return
  python=$("$cache/python/bin/python" -c 'import sys; print("3%02d" % sys.version_info[1])')
  sum=openvino_sha256_$python
  [ -n "${!sum:-}" ] || { python=312; sum=openvino_sha256_312; }  # the program needs the library only, not the module for this Python
  fetch_wheel openvino $openvino_version "3.${python#3}" manylinux_2_28_x86_64 "${!sum}"
  publish "$scratch/openvino" "$name"
}

require_cmake() {
  local found
  found=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
  [ "$(printf '%s\n' $cmake_needed "$found" | sort -V | head -1)" = $cmake_needed ] ||
    fail "CMake $found is too old, $cmake_needed is needed: Debian 12 and Ubuntu 24.04 have it, and so has \`pip install cmake\`"
}

install_system_packages
require_cmake
mkdir -p "$cache"
exec 9>"$cache/setup.lock"  # two set-ups at once would take each other's files away
flock -n 9 || { say "waiting for another set-up"; flock 9; }
rm -rf "$cache"/setup.??????  # of one that was killed
scratch=$(mktemp -d "$cache/setup.XXXXXX")
install_python
install_workflow
install_onnxruntime
install_charts
install_onnx
for runtime in "${with[@]}"; do "install_$runtime"; done
say "ready ($cache)"
