#!/bin/sh
# run.sh [ARGUMENTS] - installs what is missing, builds the example train_vit and runs it with the arguments.
# Without the Fashion-MNIST package it trains on drawn images.
set -eu
start=$PWD
cd "$(dirname "$0")/.."
sh cmake/install-packages.sh cmake/apt-packages.txt
sh cmake/install-packages.sh cmake/apt-packages-data.txt
cmake --preset release
cmake --build --preset release --parallel "$(sh cmake/jobs.sh)" --target train_vit
program=$PWD/build/release/examples/train_vit
checkpoint=$PWD/build/train_vit.safetensors
cd "$start"
exec "$program" --checkpoint "$checkpoint" "$@"
