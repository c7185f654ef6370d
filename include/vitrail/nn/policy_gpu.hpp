// policy_gpu.hpp - vt::gpu, a policy that runs a model on an NVIDIA GPU: vt::Model<vt::ViT_B16<vt::gpu>>. For nvcc.
#pragma once

#include "../backend/cuda/backend.hpp"
#include "../backend/cuda/device.hpp"
#include "tuning.hpp"

namespace vitrail::inline VITRAIL_TU {

struct gpu {
  using value = float;
  using backend = Cuda<cuda::Device>;
  using tune = train_all;
};
struct gpu_double : gpu {
  using value = double;
};

}  // namespace vitrail::inline VITRAIL_TU
