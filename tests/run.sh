#!/bin/sh
# run.sh - installs what is missing, builds everything with the preset "release" and runs the tests.
# Its exit status is theirs.
set -eu
cd "$(dirname "$0")/.."
sh cmake/install-packages.sh cmake/apt-packages.txt
jobs=$(sh cmake/jobs.sh)
cmake --preset release
cmake --build --preset release --parallel "$jobs"
exec ctest --preset release --parallel "$jobs"
