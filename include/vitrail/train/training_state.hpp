// training_state.hpp - all that a training continues from, beside the model's values: moments, average, and where in
// the data it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "../error.hpp"
#include "adamw.hpp"
#include "ema.hpp"
#include "recipe.hpp"

namespace vitrail::inline VITRAIL_TU {

// What must be the same when a training goes on: with any other number the rest would be another training. The number
// of threads and the size of a batch are not among them.
struct TrainingSettings {
  std::uint64_t epochs = 0, data_seed = 0, model_seed = 0;
  double rate = 0, last_rate = 0, warm_up_epochs = 0, weight_decay = 0, label_smoothing = 0, layer_decay = 1,
         ema_decay = 0;
  std::uint64_t data_samples = 0, data_shift = 0, data_mirror = 0;

  // Calls f(name, number) for each.
  static void visit(auto& self, auto&& f) {
    f("recipe.epochs", self.epochs);
    f("recipe.rate", self.rate);
    f("recipe.last_rate", self.last_rate);
    f("recipe.warm_up_epochs", self.warm_up_epochs);
    f("recipe.weight_decay", self.weight_decay);
    f("recipe.label_smoothing", self.label_smoothing);
    f("recipe.layer_decay", self.layer_decay);
    f("recipe.ema_decay", self.ema_decay);
    f("recipe.seed", self.data_seed);
    f("model.seed", self.model_seed);
    f("data.samples", self.data_samples);
    f("data.shift", self.data_shift);
    f("data.mirror", self.data_mirror);
  }
  friend bool operator==(const TrainingSettings&, const TrainingSettings&) = default;
};

template <class Model, class Batches>
TrainingSettings settings_of(const Model& model, const Batches& batches, const Recipe& recipe) {
  TrainingSettings s{.epochs = recipe.epochs,
                     .data_seed = recipe.seed,
                     .model_seed = model.random_seed(),
                     .rate = recipe.rate,
                     .last_rate = recipe.last_rate,
                     .warm_up_epochs = recipe.warm_up_epochs,
                     .weight_decay = recipe.weight_decay,
                     .label_smoothing = recipe.label_smoothing,
                     .layer_decay = recipe.layer_decay,
                     .ema_decay = recipe.ema_decay,
                     .data_samples = batches.samples()};
  if constexpr (requires { batches.augmentation(); }) {
    s.data_shift = batches.augmentation().shift;
    s.data_mirror = batches.augmentation().mirror;
  }
  return s;
}

// The state of a training of one model, which must outlive it. fit continues from it and leaves it where it stopped;
// save_training and load_training (io/training_checkpoint.hpp) keep it in a file. The position counts samples, not
// batches, so that another size of batch goes on with the same sample.
template <class Model>
struct TrainingState {
  AdamW<Model> optimiser;
  std::optional<Ema<Model>> ema;  // if the recipe has a decay for it
  std::uint64_t steps = 0;        // of all epochs: where random numbers continue
  std::uint64_t epoch = 0;        // the one that is not finished yet
  std::uint64_t samples = 0;      // of this epoch that are trained on
  double loss_sum = 0;            // over these samples
  Accuracy accuracy;              // on these samples

  // The start of a training. Throws error for a decay of the average that is neither 0 nor between 0 and 1, and for one
  // of layers that are not known.
  template <class Batches>
  TrainingState(const Model& model, const Batches& batches, const Recipe& recipe)
      : TrainingState(model,
                      {.rate = recipe.rate, .weight_decay = recipe.weight_decay, .layer_decay = recipe.layer_decay},
                      settings_of(model, batches, recipe)) {}

  // The start of the same training.
  TrainingState fresh() const { return TrainingState(model(), optimiser.options, settings_); }
  const Model& model() const { return optimiser.model(); }
  const TrainingSettings& settings() const { return settings_; }

  // Calls f(name, number) for all that a checkpoint must agree in.
  void each_setting(auto&& f) const {
    TrainingSettings::visit(settings_, f);
    f("optimiser.beta1", optimiser.options.beta1);
    f("optimiser.beta2", optimiser.options.beta2);
    f("optimiser.eps", optimiser.options.eps);
    f("optimiser.weight_decay", optimiser.options.weight_decay);
    f("optimiser.layer_decay", optimiser.options.layer_decay);
  }
  // Calls f(name, member) for all that changes in a training: numbers, and buffers parallel to model().trainable().
  static void visit(auto& self, auto&& f) {
    f("epoch", self.epoch);
    f("samples", self.samples);
    f("steps", self.steps);
    f("loss_sum", self.loss_sum);
    f("accuracy.samples", self.accuracy.samples);
    f("accuracy.top1", self.accuracy.top1);
    f("accuracy.top5", self.accuracy.top5);
    self.optimiser.visit(self.optimiser, f);
    if (self.ema) self.ema->visit(*self.ema, f);
  }
  // Throws error unless the model is this one and all settings are the same: then a training may go on from here.
  void check(const Model& given, const TrainingSettings& settings) const {
    if (&given != &model()) throw error("fit: the state is of another model");
    TrainingSettings::visit(settings_, [&](std::string_view name, const auto& own) {
      TrainingSettings::visit(settings, [&](std::string_view other, const auto& found) {
        if constexpr (std::is_same_v<decltype(own), decltype(found)>) {
          if (name == other && own != found) throw error("fit: the state is of another " + std::string(name));
        }
      });
    });
    if (const std::string found = problem(); !found.empty()) throw error("fit: the state cannot go on: " + found);
  }
  // Why nothing can continue from here; empty if something can.
  std::string problem() const {
    auto above = [](const char* what, std::uint64_t found, std::uint64_t most) {
      return std::string(what) + ": expected at most " + std::to_string(most) + ", found " + std::to_string(found);
    };
    const std::uint64_t most = epoch < settings_.epochs ? settings_.data_samples : 0;
    if (epoch > settings_.epochs) return above("epoch", epoch, settings_.epochs);
    if (samples > most) return above("samples", samples, most);
    if (accuracy.samples > samples) return above("accuracy.samples", accuracy.samples, samples);
    if (accuracy.top5 > accuracy.samples) return above("accuracy.top5", accuracy.top5, accuracy.samples);
    if (accuracy.top1 > accuracy.top5) return above("accuracy.top1", accuracy.top1, accuracy.top5);
    if (ema && ema->in_use()) return "expected the model's own values, found its average in use";
    return {};
  }

 private:
  TrainingState(const Model& model, const AdamWOptions& options, const TrainingSettings& settings)
      : optimiser(model, options), settings_(settings) {
    if (settings.ema_decay != 0) ema.emplace(model, settings.ema_decay);
  }

  TrainingSettings settings_;
};

}  // namespace vitrail::inline VITRAIL_TU
