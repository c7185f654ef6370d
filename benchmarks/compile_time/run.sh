#!/bin/sh
# run.sh - seconds and memory that the compiler takes, best of three. usage: [CXX=clang++-19] [CXXFLAGS=...] sh run.sh
set -eu
cd "$(dirname "$0")"
compiler=${CXX:-g++}
eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
for source in header.cpp train.cpp; do
  for flags in "-O3" "-O3 -march=native"; do
    for round in 1 2 3; do
      # shellcheck disable=SC2086
      /usr/bin/time -f "%U %M" "$compiler" -std=c++20 $flags -fopenmp ${CXXFLAGS:-} -I../../include -isystem "$eigen" \
        -c "$source" -o /dev/null 2>&1 | tail -n 1
    done | sort -n | head -n 1 | awk -v name="$source $flags" '{ printf "%-28s %5.1f s  %4d MB\n", name, $1, $2 / 1000 }'
  done
done
