// vitrail.hpp - everything for the CPU. Files and CUDA have headers of their own: io/ (nlohmann-json, zlib) and the
// Thrust policies.
#pragma once

#include "autodiff/predict.hpp"
#include "data/batches.hpp"
#include "data/drawn_shapes.hpp"
#include "models/vit.hpp"
#include "nn/cost.hpp"
#include "nn/model.hpp"
#include "ops/cross_entropy.hpp"
#include "ops/einsum.hpp"
#include "ops/heads.hpp"
#include "tensor/eigen.hpp"
#include "train/fit.hpp"
