// fit.hpp - training and evaluation of a classifier on batches of labelled images.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "../autodiff/predict.hpp"
#include "../ops/cross_entropy.hpp"
#include "adamw.hpp"
#include "metrics.hpp"
#include "schedule.hpp"

namespace vitrail::inline VITRAIL_TU {

// What happened in an epoch, or in the part of it that is done.
struct Progress {
  std::size_t epoch = 0, epochs = 0, batch = 0, batches = 0;
  double loss = 0;               // mean over the samples so far
  double images_per_second = 0;  // of training, loading included
  Accuracy training;             // on the batches as they were trained on
};

struct Recipe {
  std::size_t epochs = 10;
  double rate = 1e-3, last_rate = 1e-5, warm_up_epochs = 1;  // a negative warm-up is none
  double weight_decay = 0.05, label_smoothing = 0;
  std::uint64_t seed = 1;  // of the order of the data and its augmentation
  std::function<void(const Progress&)> on_batch = {}, on_epoch = {};
};

// Accuracy of a vt::Predictor that gives logits [C] per sample, over all batches of a set.
template <class Predict, class Batches>
Accuracy evaluate(Predict& predict, const Batches& batches) {
  Accuracy accuracy;
  Batch<typename Predict::input, typename Predict::policy> images;
  Labels labels;
  for (std::size_t i = 0; i < batches.count(); ++i) {
    batches.load(i, images, labels);
    accuracy.add(predict(images), labels);
  }
  return accuracy;
}

// Trains with AdamW and a cosine schedule with warm-up, on the mean cross-entropy of the logits. After on_epoch of the
// last epoch it returns. Nothing is allocated from the second step on, but by the callbacks.
template <class Model, class Batches>
void fit(Model& model, Batches& batches, const Recipe& recipe) {
  const CrossEntropyOptions loss_options{recipe.label_smoothing};
  auto step = training_step(model, [loss_options](const auto& net, const auto& images, const auto& labels) {
    Var logits = net(images);
    return vitrail::Step{cross_entropy(logits, labels, loss_options), logits};
  });
  AdamW<Model> optimiser(model, {.rate = recipe.rate, .weight_decay = recipe.weight_decay});
  const auto per_epoch = static_cast<double>(batches.count());
  const CosineSchedule schedule{recipe.rate, recipe.last_rate,
                                static_cast<std::uint64_t>(std::max(0.0, recipe.warm_up_epochs) * per_epoch),
                                static_cast<std::uint64_t>(recipe.epochs) * batches.count()};
  Batch<typename Model::module::input, typename Model::policy> images;
  Labels labels;
  using clock = std::chrono::steady_clock;
  for (std::size_t epoch = 0; epoch < recipe.epochs; ++epoch) {
    batches.shuffle(recipe.seed, static_cast<std::uint32_t>(epoch));
    Progress progress{epoch, recipe.epochs, 0, batches.count(), 0, 0, {}};
    double loss_sum = 0, seconds = 0;
    for (std::size_t i = 0; i < batches.count(); ++i) {
      const auto start = clock::now();
      batches.load(i, images, labels);
      optimiser.options.rate = schedule.at(optimiser.updates());
      const auto [loss, logits] = step(images, labels);
      optimiser.update(step);
      seconds += std::chrono::duration<double>(clock::now() - start).count();
      const std::size_t before = progress.training.samples;
      progress.training.add(logits, labels, loss_options.ignore_index);
      loss_sum += static_cast<double>(loss) * static_cast<double>(progress.training.samples - before);
      const auto seen = static_cast<double>(progress.training.samples);
      progress.batch = i + 1;
      progress.loss = loss_sum / std::max(1.0, seen);
      progress.images_per_second = seen / seconds;
      if (recipe.on_batch) recipe.on_batch(progress);
    }
    if (recipe.on_epoch) recipe.on_epoch(progress);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
