#!/bin/sh
# run.sh - installs what is missing, builds everything but the benchmarks with the preset "release" (the examples quickly)
# and runs the tests. Its exit status is theirs.
set -eu
cd "$(dirname "$0")/.."
sh cmake/install-packages.sh cmake/apt-packages.txt
jobs=$(sh cmake/jobs.sh)
cmake --preset release -DVITRAIL_BUILD_BENCHMARKS=OFF -DVITRAIL_QUICK_EXAMPLES=ON
cmake --build --preset release --parallel "$jobs"
exec ctest --preset release --parallel "$jobs"
