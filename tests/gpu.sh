#!/bin/sh
# gpu.sh [BUILD_FOLDER] - everything that needs a GPU: builds for it, runs the device's tests, compute-sanitizer over them where
# it is there, trains a ViT on Fashion-MNIST, and runs the benchmarks, whose table comes last. Without a device it says so and
# ends with 77.
#
# Nothing is installed. EIGEN_DIR, CATCH2_DIR, BENCHMARK_DIR: prefixes of the packages where CMake does not find them; PYTORCH:
# a Python with torch and timm, to compare with. ARCHITECTURE: 80, 90, ... instead of the device's own.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/gpu}
command -v nvcc >/dev/null || { echo "gpu.sh: expected nvcc on the PATH, found none"; exit 77; }
nvidia-smi -L 2>/dev/null | grep -q GPU || { echo "gpu.sh: skipped, no CUDA device"; exit 77; }
nvidia-smi -L
prefixes=$(echo "${EIGEN_DIR:-};${CATCH2_DIR:-};${BENCHMARK_DIR:-}" | sed 's/;;*/;/g')
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DVITRAIL_CUDA=ON -DVITRAIL_BUILD_TESTS=ON -DVITRAIL_BUILD_BENCHMARKS=ON \
  -DVITRAIL_BUILD_EXAMPLES=OFF -DVITRAIL_CUDA_DEVICE_TESTS=ON "-DCMAKE_PREFIX_PATH=$prefixes" "-DCMAKE_CUDA_ARCHITECTURES=${ARCHITECTURE:-native}"
jobs=$(sh cmake/jobs.sh)
cmake --build "$build" --parallel "$jobs" --target test_cuda benchmark_backends benchmark_backends_gpu \
  benchmark_backends_gpu_bf16
failed=0
ctest --test-dir "$build" -L cuda --output-on-failure || failed=1
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    for program in "$build"/tests/cuda/test_cuda_gpu_*; do
      [ -x "$program" ] || continue
      compute-sanitizer --tool "$tool" --error-exitcode 1 "$program" || failed=1
    done
  done
else
  echo "gpu.sh: skipped compute-sanitizer, it is not there"
fi
for program in benchmark_backends benchmark_backends_gpu benchmark_backends_gpu_bf16; do
  "$build/benchmarks/$program" "--benchmark_out=$build/$program.json" >/dev/null || failed=1
done
[ -z "${PYTORCH:-}" ] || "$PYTORCH" benchmarks/gpu_against_pytorch.py || failed=1
python3 benchmarks/backends.py "$build"/benchmark_backends*.json
exit $failed
