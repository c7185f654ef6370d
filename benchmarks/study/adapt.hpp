// adapt.hpp - a base of a known type, and its adaptation by methods of a known type.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vitrail/nn/cost.hpp>
#include <vitrail/train/fit.hpp>
#include <vitrail/train/recipe_of.hpp>
#include <vitrail/tune/tune.hpp>

#include "study.hpp"

template <class S>
using Base = vt::Model<typename S::net>;
template <class S>
std::unique_ptr<Base<S>>& base_of() {
  static std::unique_ptr<Base<S>> base;
  return base;
}

inline double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <class S, auto... Methods>
Outcome adapt(const Base<S>& base, const Task& task, const Setting& how) {
  using Batches = vt::Batches<typename S::net::input, vt::cpu>;
  auto tuned = vt::tune<Methods..., vt::head<S::classes>>(base, vt::seed{how.seed});
  const vt::ImageSet images = draw(task.pool, how.images, how.seed).first;
  Batches batches(images, task.normalisation, how.batch, {.mirror = S::mirror});
  vt::Recipe recipe = vt::recipe_of(tuned);
  recipe.epochs = how.steps / batches.count();
  recipe.rate = how.rate, recipe.last_rate = how.rate / 100;
  recipe.warm_up_epochs = 0.1 * static_cast<double>(recipe.epochs);
  recipe.seed = how.seed;
  Outcome outcome;
  recipe.on_epoch = [&](const vt::Progress& p) { outcome.arena_bytes = p.arena_bytes; };
  const double start = processor_seconds();
  vt::fit(tuned, batches, recipe);
  outcome.images_per_second = static_cast<double>(recipe.epochs * images.size()) / (processor_seconds() - start);
  auto predict = vt::predictor(tuned);
  const vt::ImageSet& seen = how.validate ? task.validation : task.test;
  outcome.accuracy = vt::evaluate(predict, Batches(seen, task.normalisation, 250)).top1_share();
  return outcome;
}

// A method of the study: its name, where the search for a rate starts, and what vt::tune is to do beside a new head.
template <class S, auto... Methods>
void add(Subject& to, std::string name, double rate) {
  using Net = vt::tuned_module<typename S::net, Methods..., vt::head<S::classes>>;
  to.methods.push_back(
      {std::move(name), rate, vt::trainable_count<Net>(), vt::parameter_count<Net>(),
       [](const Task& task, const Setting& how) { return adapt<S, Methods...>(*base_of<S>(), task, how); }});
}
