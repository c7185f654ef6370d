// fit.hpp - training and evaluation of a classifier on batches of labelled images.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../autodiff/predict.hpp"
#include "../nn/policy.hpp"
#include "metrics.hpp"
#include "objective.hpp"
#include "recipe.hpp"
#include "schedule.hpp"
#include "training_state.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <class S, class P>
struct LoadedBatch {
  Batch<S, host_policy<P>> images;
  Labels labels;
};
// On a device, calls stage(), which loads and stages the next batch while what was started runs. What it throws is for
// its turn, when the batch before is done: false, so that it is called again then.
template <class Backend, class Stage>
bool stage_ahead(const Stage& stage) {
  if constexpr (is_host<Backend>) {
    return false;
  } else {
    try {
      stage();
      return true;
    } catch (...) {
      return false;
    }
  }
}
}  // namespace detail

// Accuracy of a vt::Predictor that gives logits [C] per sample, over all batches of a set: of anything with count() and
// load(i, images, labels), as vt::Batches has them. On a device the next batch is loaded while it computes.
template <class Predict, class Batches>
Accuracy evaluate(Predict& predict, const Batches& batches) {
  using Loaded = detail::LoadedBatch<typename Predict::input, typename Predict::policy>;
  Accuracy accuracy;
  Loaded current, next;
  const auto stage = [&](std::size_t i, Loaded& to) {
    batches.load(i, to.images, to.labels);
    predict.stage(to.images);
  };
  bool is_staged = false;
  for (std::size_t i = 0; i < batches.count(); ++i) {
    if (!is_staged) stage(i, current);
    predict.start();
    is_staged = i + 1 < batches.count() && detail::stage_ahead<typename Predict::Backend>([&] { stage(i + 1, next); });
    accuracy.add(predict.results(), current.labels);
    if (is_staged) std::swap(current, next);
  }
  return accuracy;
}

// Trains from `state` to the recipe's end: AdamW, a cosine schedule with warm-up, and the parameters' moving average if
// the recipe has one. objective(net, images, labels) gives a vt::Step of the loss and of the logits [C] whose accuracy
// is told; it may have labels_per_sample, of which the first is the right one (train/distillation.hpp). Nothing is
// allocated from the second step on, but by the callbacks and for a batch larger than any before. In on_batch the state
// is behind that batch, in on_epoch at the start of the next epoch; so it may be saved there, and when a callback
// throws, fit may go on later. Throws error if the state is of another model, data set or recipe. After on_epoch of the
// last epoch it returns.
//
// Batches must have samples, batch, count, shuffle and load_from as vt::Batches has them.
template <class Model, class Batches, class Objective>
void fit(Model& model, Batches& batches, const Recipe& recipe, TrainingState<Model>& state, Objective objective) {
  state.check(model, settings_of(model, batches, recipe));
  auto step = training_step(model, objective);
  constexpr std::size_t labels_of_sample = decltype(step)::label_count;
  int ignored = CrossEntropyOptions{}.ignore_index;
  if constexpr (requires { objective.options.ignore_index; }) ignored = objective.options.ignore_index;
  step.set_steps(state.steps);
  const auto per_epoch = static_cast<double>(batches.count());
  const CosineSchedule schedule{recipe.rate, recipe.last_rate,
                                static_cast<std::uint64_t>(std::max(0.0, recipe.warm_up_epochs) * per_epoch),
                                static_cast<std::uint64_t>(recipe.epochs) * batches.count()};
  using Loaded = detail::LoadedBatch<typename Model::module::input, typename Model::policy>;
  Loaded current, next;
  const auto stage = [&](std::size_t sample, Loaded& to) {
    batches.load_from(sample, to.images, to.labels);
    step.stage(to.images, to.labels);
  };
  using clock = std::chrono::steady_clock;
  while (state.epoch < recipe.epochs) {
    batches.shuffle(recipe.seed, static_cast<std::uint32_t>(state.epoch));
    double seconds = 0;
    std::size_t trained = 0;
    bool is_staged = false;
    const auto progress = [&] {
      const double loss = state.loss_sum / std::max(1.0, static_cast<double>(state.accuracy.samples));
      const double speed = seconds > 0 ? static_cast<double>(trained) / seconds : 0;
      const std::size_t batch = state.samples / batches.batch() + (state.samples % batches.batch() != 0);
      return Progress{state.epoch, recipe.epochs, batch,          batches.count(),
                      loss,        speed,         state.accuracy, step.arena_bytes()};
    };
    while (state.samples < batches.samples()) {
      const auto start = clock::now();
      if (!is_staged) stage(state.samples, current);
      const std::size_t count = current.images.count(), after = state.samples + count;
      state.optimiser.options.rate = schedule.at(state.epoch * batches.count() + state.samples / batches.batch());
      step.start();
      state.optimiser.update(step);
      if (state.ema) state.ema->update(model);
      is_staged =
          after < batches.samples() && detail::stage_ahead<typename Model::Backend>([&] { stage(after, next); });
      const auto [loss, logits] = step.results();
      seconds += std::chrono::duration<double>(clock::now() - start).count();
      trained += count;
      const std::size_t before = state.accuracy.samples;
      state.accuracy.add(logits, current.labels, ignored, labels_of_sample);
      state.loss_sum += static_cast<double>(loss) * static_cast<double>(state.accuracy.samples - before);
      state.samples += count;
      state.steps = step.steps();
      if (is_staged) std::swap(current, next);
      if (recipe.on_batch) recipe.on_batch(progress());
    }
    const Progress done = progress();
    ++state.epoch;
    state.samples = 0;
    state.loss_sum = 0;
    state.accuracy = {};
    if (recipe.on_epoch) recipe.on_epoch(done);
  }
}
// With the mean cross-entropy of the model's logits, smoothed as the recipe says.
template <class Model, class Batches>
void fit(Model& model, Batches& batches, const Recipe& recipe, TrainingState<Model>& state) {
  fit(model, batches, recipe, state, Classification{{.label_smoothing = recipe.label_smoothing}});
}
// The same from the start. Gives the state at the end, for the average or the moments.
template <class Model, class Batches>
TrainingState<Model> fit(Model& model, Batches& batches, const Recipe& recipe) {
  TrainingState<Model> state(model, batches, recipe);
  fit(model, batches, recipe, state);
  return state;
}

}  // namespace vitrail::inline VITRAIL_TU
