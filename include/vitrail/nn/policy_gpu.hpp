// policy_gpu.hpp - vt::gpu, a policy that runs a model on an NVIDIA GPU: vt::Model<vt::ViT_B16<vt::gpu>>. For nvcc;
// link cublasLt.
#pragma once

#include "../backend/cuda/backend.hpp"
#include "../backend/cuda/blas.hpp"
#include "tuning.hpp"

namespace vitrail::inline VITRAIL_TU {

// Everything in float.
struct gpu {
  using value = float;
  using backend = Cuda<cuda::BlasDevice<cuda::precision::fp32>>;
  using tune = train_all;
};
struct gpu_double : gpu {
  using value = double;
};
// Products on tensor cores: their factors are rounded to TF32; sums, and all values in memory, are float.
struct gpu_tf32 : gpu {
  using backend = Cuda<cuda::BlasDevice<cuda::precision::tf32>>;
};
// Activations and their gradients lie as bf16, and products are of bf16; sums, parameters, their gradients and the
// optimiser's moments are float: mixed precision, as with torch.autocast. Half of a step's memory and of its traffic.
struct gpu_bf16 : gpu {
  using backend = Cuda<cuda::BlasDevice<cuda::precision::bf16>>;
  using stored = bf16;
};

}  // namespace vitrail::inline VITRAIL_TU
