// main.cpp - trains a small image classifier on Fashion-MNIST, or on images that the library draws itself: a ViT, or
// with --model another family.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>
#include <vitrail/data/drawn_shapes.hpp>
#include <vitrail/data/idx.hpp>

#include "families.hpp"

void shorten(vt::ImageSet& set, std::size_t images) {
  if (images == 0 || images >= set.size()) return;
  set.labels.resize(images);
  set.pixels.resize(images * set.channels * set.height * set.width);
}

int main(int argc, char** argv) {
  Options o;
  std::vector<std::string> models;
  for (const auto& [name, family] : families()) models.push_back(name);
  CLI::App app("Trains a small vision transformer, or a network to compare it with.");
  app.add_option("--model", o.model, "family of the model")->capture_default_str()->check(CLI::IsMember(models));
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
      families().at(o.model).colour(vt::drawn_shapes(o.seed, count), vt::drawn_shapes(o.seed + 1'000'000, count / 4),
                                    o);
    } else {
      vt::TrainAndTest data = vt::find_fashion_mnist(o.data);
      shorten(data.train, o.images);
      families().at(o.model).gray(data.train, data.test, o);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "train_vit: %s\n", e.what());
    return 1;
  }
}
