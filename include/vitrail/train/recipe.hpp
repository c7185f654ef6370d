// recipe.hpp - what a training is to do, and what it tells of itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "metrics.hpp"

namespace vitrail::inline VITRAIL_TU {

// What happened in an epoch, or in the part of it that is done.
struct Progress {
  std::size_t epoch = 0, epochs = 0, batch = 0, batches = 0;
  double loss = 0;               // mean over the samples so far
  double images_per_second = 0;  // of training, loading included, since the epoch began or was resumed
  Accuracy training;             // on the batches as they were trained on
  std::size_t arena_bytes = 0;   // of the step's values, gradients of values, state and scratch
};

struct Recipe {
  std::size_t epochs = 10;
  double rate = 1e-3, last_rate = 1e-5, warm_up_epochs = 1;  // a negative warm-up is none
  double weight_decay = 0.05, label_smoothing = 0;
  double layer_decay =
      1;  // the rate of each layer, as a multiple of that of the one behind it: for fine-tuning 0.65 to 0.9
  double ema_decay = 0;    // of the moving average of the parameters (train/ema.hpp); 0: none is kept
  std::uint64_t seed = 1;  // of the order of the data and its augmentation
  std::function<void(const Progress&)> on_batch = {}, on_epoch = {};
};

}  // namespace vitrail::inline VITRAIL_TU
