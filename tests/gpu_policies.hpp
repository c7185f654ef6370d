// gpu_policies.hpp - the policies that tests of a GPU run with: on the emulated device, or, in programs that nvcc compiles
// (tests/cuda/device), on a real one.
#pragma once

#ifdef __CUDACC__
#include <cuda_runtime.h>
#include <vitrail/nn/policy_gpu.hpp>

#include "catch.hpp"

namespace test {
using gpu_policy = vitrail::gpu;
using gpu_bf16_policy = vitrail::gpu_bf16;
inline constexpr const char* gpu_name = "GPU";
// Says so if there is none.
inline bool gpu_is_there() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) return true;
  WARN("skipped on the GPU: there is none");
  return false;
}
// The real device's threads run in an order of its own.
struct OtherOrder {
  OtherOrder() {}
};
}  // namespace test
#else
#include "emulated_gpu.hpp"

namespace test {
using gpu_policy = emulated_gpu;
using gpu_bf16_policy = emulated_gpu_bf16;
inline constexpr const char* gpu_name = "emulated GPU";
inline bool gpu_is_there() { return true; }
using OtherOrder = DescendingThreads;
}  // namespace test
#endif
