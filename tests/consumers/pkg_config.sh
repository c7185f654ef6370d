#!/bin/sh
# pkg_config.sh PREFIX WORK_DIR COMPILER - a plain compiler call with the flags that pkg-config gives.
set -eu
command -v pkg-config >/dev/null || { echo 'skipped: no pkg-config'; exit 77; }
here=$(dirname "$0")
PKG_CONFIG_PATH=$1/share/pkgconfig
export PKG_CONFIG_PATH
mkdir -p "$2"
version=$(pkg-config --modversion vitrail)
flags=$(pkg-config --cflags vitrail)
echo "vitrail $version: $flags"
# shellcheck disable=SC2086
"$3" -std=c++20 -O1 $flags "$here/main.cpp" -o "$2/main"
"$2/main"
