// base.hpp - where the bases of the study come from.
#pragma once

#include <cstdio>
#include <vitrail/io/checkpoint.hpp>

#include "adapt.hpp"

template <class S>
void prepare_base(Subject& of, const std::filesystem::path& file) {
  using Batches = vt::Batches<typename S::net::input, vt::cpu>;
  auto& base = base_of<S>() = std::make_unique<Base<S>>(vt::seed{1}, vt::backend{.threads = 1});
  if (std::filesystem::exists(file)) {
    vt::load_checkpoint(*base, file);
  } else {
    Batches batches(of.task.base_train, of.task.normalisation, 64, {.mirror = S::mirror});
    vt::Recipe recipe{.epochs = S::base_epochs, .rate = 3e-3, .label_smoothing = 0.1};
    recipe.on_epoch = [](const vt::Progress& p) {
      std::printf("base: epoch %zu/%zu, loss %.4f, %.0f images/s\n", p.epoch + 1, p.epochs, p.loss,
                  p.images_per_second);
      std::fflush(stdout);
    };
    vt::fit(*base, batches, recipe);
    vt::save_checkpoint(*base, file);
  }
  auto predict = vt::predictor(*base);
  of.base_accuracy = vt::evaluate(predict, Batches(of.task.base_test, of.task.normalisation, 250)).top1_share();
}
