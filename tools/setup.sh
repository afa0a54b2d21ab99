#!/usr/bin/env bash
# Installs what a fresh Debian or Ubuntu machine lacks to build, test and run this project. Safe to run twice: what is there is left alone.
#
#   tools/setup.sh             everything the build and the demo need
#   tools/setup.sh --dev       also what only the tests need (Python packages, headless Chromium, Clang's tools)
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
uplot_package=uplot@1.6.32
uplot_sha256=4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d

build_packages=(build-essential cmake ninja-build pkg-config git libprotobuf-dev protobuf-compiler libcli11-dev libspdlog-dev
  libstb-dev nlohmann-json3-dev libgtest-dev libbenchmark-dev libhwy-dev libeigen3-dev libxxhash-dev python3 python3-venv unzip)
dev_packages=(clang clang-format clang-tidy libclang-rt-dev chromium)
python_packages=(numpy==1.26.4 pillow==11.3.0 onnx==1.19.1 onnxruntime==1.32.0 jsonschema==4.25.1 pytest==8.4.2)

dev=0
for argument in "$@"; do
  case $argument in
    --dev) dev=1 ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
fail() { printf '[setup] error: %s\n' "$*" >&2; exit 1; }

# --- system packages -------------------------------------------------------------------------------------------------
install_system_packages() {
  local wanted=("${build_packages[@]}") missing=() package sudo=()
  [ "$dev" = 1 ] && wanted+=("${dev_packages[@]}")
  command -v npm >/dev/null || wanted+=(npm)
  command -v dpkg-query >/dev/null || fail "this is not Debian or Ubuntu; install these by hand and run again: ${wanted[*]}"
  for package in "${wanted[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || fail "no right to install system packages; ask an administrator for: ${missing[*]}"
    sudo=(sudo -n)
  fi
  say "installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# --- helpers ---------------------------------------------------------------------------------------------------------
# Everything is made in a scratch folder and renamed into place, so that an interrupted set-up leaves no half of anything.
scratch=
cleanup() { [ -z "$scratch" ] || rm -rf "$scratch"; }
trap cleanup EXIT

check_sum() { echo "$2  $1" | sha256sum --check --status || fail "$(basename "$1"): checksum differs from the pinned one, not used"; }

publish() { # publish FOLDER NAME: rename FOLDER to $cache/NAME
  rm -rf "${cache:?}/$2"
  mv "$1" "$cache/$2"
}

# --- the Python environment: fetches packages, and runs the tests that compare against numpy, Pillow and ONNX's Python -----
install_python() {
  [ -x "$cache/python/bin/pip" ] || { say "making a Python environment"; python3 -m venv "$cache/python"; }
  [ "$dev" = 1 ] || return 0
  local stamp="$cache/python/installed.txt"
  [ "$(cat "$stamp" 2>/dev/null)" = "${python_packages[*]}" ] && return
  say "installing Python packages for the tests"
  "$cache/python/bin/pip" install -q --disable-pip-version-check "${python_packages[@]}"
  echo "${python_packages[*]}" >"$stamp"
}

install_onnx() {
  local name=onnx-$onnx_version
  [ -d "$cache/$name" ] && return
  say "building ONNX $onnx_version (about 4 minutes on 2 cores)"
  "$cache/python/bin/pip" download -q --disable-pip-version-check --no-deps --no-binary onnx -d "$scratch" "onnx==$onnx_version"
  check_sum "$scratch/onnx-$onnx_version.tar.gz" $onnx_sha256
  tar xzf "$scratch/onnx-$onnx_version.tar.gz" -C "$scratch"
  cmake -S "$scratch/onnx-$onnx_version" -B "$scratch/onnx-build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$scratch/onnx-prefix" \
    -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DONNX_ML=ON -DONNX_USE_PROTOBUF_SHARED_LIBS=ON -DONNX_BUILD_TESTS=OFF \
    -DPython3_EXECUTABLE="$(command -v python3)" >"$scratch/onnx.log" 2>&1 &&
    cmake --build "$scratch/onnx-build" --target install >>"$scratch/onnx.log" 2>&1 || { tail -30 "$scratch/onnx.log" >&2; fail "ONNX did not build"; }
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
  (cd "$scratch" && npm pack --silent $ort_headers_package >/dev/null)
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
  (cd "$scratch" && npm pack --silent $uplot_package >/dev/null)
  check_sum "$scratch"/uplot-*.tgz $uplot_sha256
  mkdir -p "$scratch/uplot"
  tar xzf "$scratch"/uplot-*.tgz -C "$scratch/uplot" --strip-components=1
  publish "$scratch/uplot" $name
}

install_system_packages
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/setup.XXXXXX")
install_python
install_onnxruntime
install_charts
install_onnx
say "ready ($cache)"
