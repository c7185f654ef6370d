// vitrail.hpp - everything for the CPU but what has a header of its own: files (io/ and data/idx.hpp, which need
// nlohmann-json and zlib), Eigen (tensor/eigen.hpp, nn/policy_serial.hpp), Thrust (nn/policy_thrust.hpp), the
// gradient check (autodiff/gradient_check.hpp) and what depends on what (inspect/dependence.hpp).
#pragma once

#include "autodiff/predict.hpp"
#include "autodiff/recompute.hpp"
#include "data/batches.hpp"
#include "data/drawn_shapes.hpp"
#include "inspect/overlay.hpp"
#include "inspect/profile.hpp"
#include "inspect/summary.hpp"
#include "models/vit.hpp"
#include "nn/accepts.hpp"
#include "nn/memory_cost.hpp"
#include "nn/model.hpp"
#include "nn/trainable.hpp"
#include "ops/concat.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/custom_op.hpp"
#include "ops/einsum.hpp"
#include "ops/embedding.hpp"
#include "ops/heads.hpp"
#include "ops/matmul.hpp"
#include "ops/permute.hpp"
#include "ops/rearrange.hpp"
#include "ops/reduce.hpp"
#include "ops/slice.hpp"
#include "train/fit.hpp"
