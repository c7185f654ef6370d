#!/bin/sh
# run.sh - seconds and memory that the compiler takes, best of three. usage: [CXX=clang++-19] [CXXFLAGS=...] sh run.sh
set -eu
cd "$(dirname "$0")"
compiler=${CXX:-g++}
eigen=${EIGEN_INCLUDE:-/usr/include/eigen3}
measure() {  # NAME SOURCE FLAGS...
  name=$1 source=$2
  shift 2
  for round in 1 2 3; do
    # shellcheck disable=SC2086
    /usr/bin/time -f "%U %M" "$compiler" -std=c++20 "$@" ${CXXFLAGS:-} -I../../include -isystem "$eigen" \
      -c "$source" -o /dev/null 2>&1 | tail -n 1
  done | sort -n | head -n 1 | awk -v name="$name" '{ printf "%-40s %5.1f s  %4d MB\n", name, $1, $2 / 1000 }'
}
for source in header.cpp train.cpp; do
  measure "$source -O3" $source -O3 -fopenmp
  measure "$source -O3 -march=native" $source -O3 -march=native -fopenmp
done
measure "expressions.cpp, 1 expression, -O3" expressions.cpp -O3 -DCOUNT=1
measure "expressions.cpp, 51 expressions, -O3" expressions.cpp -O3 -DCOUNT=51
measure "patterns.cpp, 2 patterns, -O3" patterns.cpp -O3 -DCOUNT=2
measure "patterns.cpp, 42 patterns, -O3" patterns.cpp -O3 -DCOUNT=42
measure "costs.cpp, parameters and FLOPs" costs.cpp -O0
measure "costs.cpp, and two arenas" costs.cpp -O0 -DARENAS
