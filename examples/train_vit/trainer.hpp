// trainer.hpp - how train_vit trains a model of any type.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>
#include <vitrail/data/batches.hpp>
#include <vitrail/io/training_checkpoint.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/train/fit.hpp>

#include "families.hpp"

// One line that is written over on a terminal, at most ten times a second; elsewhere nothing until the epoch ends.
struct ProgressBar {
  bool terminal = isatty(STDOUT_FILENO) == 1;
  std::chrono::steady_clock::time_point last{};

  void operator()(const vt::Progress& p) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal || (now - last < std::chrono::milliseconds(100) && p.batch < p.batches)) return;
    last = now;
    constexpr int width = 30;
    const int done = static_cast<int>(width * p.batch / p.batches);
    std::printf("\repoch %2zu/%zu [%.*s%*s] loss %.4f  %6.0f images/s ", p.epoch + 1, p.epochs, done,
                "##############################", width - done, "", p.loss, p.images_per_second);
    std::fflush(stdout);
  }
};

inline std::string spell(const std::vector<double>& numbers) {
  std::string text;
  for (const double x : numbers) text += (text.empty() ? "" : " ") + std::to_string(x);
  return text;
}

template <class Net>
void train(const vt::ImageSet& train_set, const vt::ImageSet& test_set, const Options& o) {
  using Batches = vt::Batches<typename Net::input, typename Net::policy>;
  vt::Model<Net> model(vt::seed{o.seed}, vt::backend{.threads = o.threads});
  const vt::Normalisation normalisation = vt::normalisation_of(train_set);
  Batches batches(train_set, normalisation, o.batch, {.shift = o.shift, .mirror = o.mirror});
  const Batches test(test_set, normalisation, 250);
  auto predict = vt::predictor(model);
  std::printf("%s with %zu parameters, %zu training and %zu test images, %d threads\n", o.model.c_str(),
              vt::parameter_count<Net>(), train_set.size(), test_set.size(), model.backend().threads());
  vt::Recipe recipe{.epochs = o.epochs, .rate = o.rate, .label_smoothing = o.smoothing, .seed = o.seed};
  vt::TrainingState state(model, batches, recipe);
  if (o.resume && std::filesystem::exists(o.checkpoint)) {
    vt::load_training(o.checkpoint, model, state);
    std::printf("going on from %s: epoch %zu, image %zu\n", o.checkpoint.c_str(),
                static_cast<std::size_t>(state.epoch) + 1, static_cast<std::size_t>(state.samples));
  }
  // For who runs the model later, with other images.
  const std::map<std::string, std::string> statistics{{"train_vit.model", o.model},
                                                      {"train_vit.mean", spell(normalisation.mean)},
                                                      {"train_vit.deviation", spell(normalisation.deviation)}};
  const auto save = [&] {
    if (!o.checkpoint.empty()) vt::save_training(o.checkpoint, model, state, statistics);
  };
  recipe.on_batch = [&, bar = ProgressBar()](const vt::Progress& p) mutable {
    bar(p);
    if (o.save_every && p.batch % o.save_every == 0) save();
  };
  vt::Accuracy accuracy;
  recipe.on_epoch = [&](const vt::Progress& p) {
    accuracy = vt::evaluate(predict, test);
    std::printf(
        "%sepoch %2zu/%zu  loss %.4f  training accuracy %.2f %%  test accuracy %.2f %%, top-5 %.2f %%  %.0f images/s\n",
        isatty(STDOUT_FILENO) ? "\r\033[K" : "", p.epoch + 1, p.epochs, p.loss, 100 * p.training.top1_share(),
        100 * accuracy.top1_share(), 100 * accuracy.top5_share(), p.images_per_second);
    std::fflush(stdout);
    save();
  };
  vt::fit(model, batches, recipe, state);
  if (accuracy.samples == 0) accuracy = vt::evaluate(predict, test);  // resumed when all was done
  std::printf("test accuracy %.2f %%\n", 100 * accuracy.top1_share());
}

template <class Gray, class Colour>
bool add_family(const std::string& name) {
  families()[name] = {train<Gray>, train<Colour>};
  return true;
}
