// train_vit.cpp - trains a small ViT on Fashion-MNIST, or on images that the library draws itself.
// smoke: --drawn --images 512 --epochs 1 --batch 32 --checkpoint train_vit_smoke.safetensors
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <vector>
#include <vitrail/data/idx.hpp>
#include <vitrail/io/training_checkpoint.hpp>
#include <vitrail/vitrail.hpp>

#include "train_vit_models.hpp"

namespace vt = vitrail;

struct Options {
  std::string data = "/usr/share/datasets/fashion-mnist", checkpoint;
  bool drawn = false, mirror = true, resume = false;
  std::size_t epochs = 18, batch = 64, images = 0, shift = 0, save_every = 0;
  int threads = 0;
  std::uint64_t seed = 1;
  double rate = 3e-3, smoothing = 0.1;
};

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

std::string spell(const std::vector<double>& numbers) {
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
  std::printf("ViT with %zu parameters, %zu training and %zu test images, %d threads\n", vt::parameter_count<Net>(),
              train_set.size(), test_set.size(), model.backend().threads());
  vt::Recipe recipe{.epochs = o.epochs, .rate = o.rate, .label_smoothing = o.smoothing, .seed = o.seed};
  vt::TrainingState state(model, batches, recipe);
  if (o.resume && std::filesystem::exists(o.checkpoint)) {
    vt::load_training(o.checkpoint, model, state);
    std::printf("going on from %s: epoch %zu, image %zu\n", o.checkpoint.c_str(),
                static_cast<std::size_t>(state.epoch) + 1, static_cast<std::size_t>(state.samples));
  }
  // For who runs the model later, with other images.
  const std::map<std::string, std::string> statistics{{"train_vit.mean", spell(normalisation.mean)},
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

void shorten(vt::ImageSet& set, std::size_t images) {
  if (images == 0 || images >= set.size()) return;
  set.labels.resize(images);
  set.pixels.resize(images * set.channels * set.height * set.width);
}

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Trains a small vision transformer.");
  app.add_option("--data", o.data, "folder with the four IDX files of Fashion-MNIST, gzip'd or not")
      ->capture_default_str();
  app.add_flag("--drawn", o.drawn, "train on drawn images (32x32, coloured shapes) instead");
  app.add_option("--epochs", o.epochs)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch", o.batch, "images in a step")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--images", o.images, "use only so many training images (0: all)")->capture_default_str();
  app.add_option("--rate", o.rate, "peak learning rate")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--shift", o.shift, "move training images by up to so many pixels")->capture_default_str();
  app.add_flag("--mirror,!--no-mirror", o.mirror, "mirror every other training image (default)");
  app.add_option("--smoothing", o.smoothing, "label smoothing")->capture_default_str()->check(CLI::Range(0.0, 1.0));
  app.add_option("--threads", o.threads, "0: OMP_NUM_THREADS, else the cores")->capture_default_str();
  app.add_option("--seed", o.seed)->capture_default_str();
  auto* checkpoint =
      app.add_option("--checkpoint", o.checkpoint, "safetensors file, written after each epoch")->take_last();
  app.add_flag("--resume", o.resume, "go on, to the bit, from the checkpoint if it is there")->needs(checkpoint);
  app.add_option("--save-every", o.save_every, "write the checkpoint after so many batches too")->needs(checkpoint);
  CLI11_PARSE(app, argc, argv);
  try {
    if (o.drawn || !std::filesystem::exists(o.data)) {
      if (!o.drawn) std::printf("%s is not there: training on drawn images\n", o.data.c_str());
      const std::size_t count = o.images ? o.images : 20000;
      train<vt::ViT<colour_32, 10>>(vt::drawn_shapes(o.seed, count), vt::drawn_shapes(o.seed + 1'000'000, count / 4),
                                    o);
    } else {
      vt::TrainAndTest data = vt::find_fashion_mnist(o.data);
      shorten(data.train, o.images);
      train<vt::ViT<gray_28, 10>>(data.train, data.test, o);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "train_vit: %s\n", e.what());
    return 1;
  }
}
