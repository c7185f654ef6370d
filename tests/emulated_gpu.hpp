// emulated_gpu.hpp - policies that run a model on the emulated device: what vt::gpu does, without a GPU.
#pragma once

#include <vitrail/backend/cuda/backend.hpp>
#include <vitrail/backend/cuda/emulation.hpp>
#include <vitrail/nn/tuning.hpp>

namespace test {

struct emulated_gpu {
  using value = float;
  using backend = vitrail::Cuda<vitrail::cuda::EmulatedDevice>;
  using tune = vitrail::train_all;
};
struct emulated_gpu_double : emulated_gpu {
  using value = double;
};

// Threads of a block take their turns in the other order as long as it lives.
struct DescendingThreads {
  DescendingThreads() { vitrail::cuda::EmulatedDevice::descending() = true; }
  ~DescendingThreads() { vitrail::cuda::EmulatedDevice::descending() = false; }
};

}  // namespace test
