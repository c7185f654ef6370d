// tiny_training.hpp - the training of a very small ViT with all that a resumed one must continue: dropout, drop path,
// augmentation, a moving average, and a last batch that is smaller.
#pragma once

#include <vitrail/data/batches.hpp>
#include <vitrail/io/training_checkpoint.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/train/fit.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

constexpr vitrail::ViTConfig tiny_config{.image = 8,
                                         .channels = 1,
                                         .patch = 4,
                                         .dim = 8,
                                         .depth = 2,
                                         .heads = 2,
                                         .mlp = 16,
                                         .dropout = 0.1,
                                         .drop_path = 0.2};

// Every image has a class of its own, so that labels tell which images were trained on.
inline const vitrail::ImageSet& tiny_images() {
  static const vitrail::ImageSet set = [] {
    vitrail::ImageSet images{1, 8, 8, 22, {}, {}};
    for (std::uint32_t i = 0; i < 22; ++i) {
      images.labels.push_back(static_cast<int>(i));
      for (std::uint32_t p = 0; p < 64; ++p)
        images.pixels.push_back(static_cast<std::uint8_t>((i * 64 + p) * 97 % 251));
    }
    return images;
  }();
  return set;
}

template <class P = vitrail::cpu>
struct TinyTraining {
  using Net = vitrail::ViT<tiny_config, 22, P>;
  using Model = vitrail::Model<Net>;
  using State = vitrail::TrainingState<Model>;
  struct Settings {
    std::size_t batch = 8;
    int threads = 2;
    std::uint64_t seed = 3, data_seed = 5;
    double rate = 0.02, ema_decay = 0.75;
    std::size_t shift = 1;
  };

  Model model;
  vitrail::Batches<typename Net::input, P> batches;
  vitrail::Recipe recipe;
  State state;

  explicit TinyTraining(const Settings& s = {}, const vitrail::ImageSet& images = tiny_images())
      : model(vitrail::seed{s.seed}, vitrail::backend{.threads = s.threads}),
        batches(images, {{0.5}, {0.25}}, s.batch, {.shift = s.shift, .mirror = true}),
        recipe{.epochs = 3, .rate = s.rate, .label_smoothing = 0.1, .ema_decay = s.ema_decay, .seed = s.data_seed},
        state(model, batches, recipe) {}

  void fit() { vitrail::fit(model, batches, recipe, state); }

  // Every bit of the parameters, the moments, the average and the numbers.
  std::string bits() const {
    std::string all;
    const auto append = [&](const void* from, std::size_t bytes) { all.append(static_cast<const char*>(from), bytes); };
    model.each_parameter(
        [&](const auto& info, const auto* values, bool) { append(values, info.size * sizeof *values); });
    State::visit(state, [&](const char*, const auto& member) {
      if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(member)>>) {
        append(&member, sizeof member);
      } else {
        append(member.data(), member.size() * sizeof member[0]);
      }
    });
    return all;
  }
};
