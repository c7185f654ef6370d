#!/bin/sh
# run.sh WORK_DIR COMPILER FLAGS... - one source compiled with two sets of flags and linked into one program: the
# objects may share no symbol of vitrail but the exceptions, or the linker would keep one body for both.
set -eu
here=$(dirname "$0")
work=$1
shift
mkdir -p "$work"
tag='#include <vitrail/config.hpp>
#define TEXT(x) #x
#define SHOW(x) TEXT(x)
tag SHOW(VITRAIL_TU)'
plain=$(echo "$tag" | "$@" -x c++ -E - | tail -n 1)
native=$(echo "$tag" | "$@" -march=native -x c++ -E - | tail -n 1)
if [ "$plain" = "$native" ]; then
  echo "skipped: this machine has no instruction set beyond the plain one"
  exit 77
fi

# Without optimisation every function that is used stays a symbol.
"$@" -DUNIT=plain_unit -c "$here/unit.cpp" -o "$work/plain.o"
"$@" -march=native -DUNIT=native_unit -c "$here/unit.cpp" -o "$work/native.o"
"$@" "$here/main.cpp" "$work/plain.o" "$work/native.o" -o "$work/both"
"$work/both"

for unit in plain native; do
  nm "$work/$unit.o" | awk 'NF == 3 && $2 ~ /^[VWuBDRT]$/ && $3 ~ /7vitrail/ { print $3 }' | LC_ALL=C sort -u \
    >"$work/$unit.symbols"
  [ -s "$work/$unit.symbols" ] || { echo "$unit.o has no symbol of vitrail: the test sees nothing"; exit 1; }
done
shared=$(LC_ALL=C comm -12 "$work/plain.symbols" "$work/native.symbols" |
  grep -vE '7vitrail(5error|8io_error|11shape_error)' || true)
if [ -n "$shared" ]; then
  echo "symbols that both units define:"
  echo "$shared" | c++filt
  exit 1
fi
wc -l "$work/plain.symbols" "$work/native.symbols"
