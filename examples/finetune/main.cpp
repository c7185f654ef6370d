// main.cpp - fine-tunes a base on other classes by several methods, compares them and saves what each added:
// finetune --base train_vit.safetensors --data folder --method lora-8 probe --out adapters
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <vitrail/data/cifar.hpp>
#include <vitrail/data/drawn_shapes.hpp>
#include <vitrail/data/idx.hpp>
#include <vitrail/data/image_folder.hpp>

#include "finetune.hpp"

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

// Every fifth picture of a class is for testing.
vt::TrainAndTest split(const vt::ImageSet& set) {
  vt::TrainAndTest parts;
  const std::size_t size = set.channels * set.height * set.width;
  std::vector<std::size_t> seen(set.classes);
  for (vt::ImageSet* part : {&parts.train, &parts.test})
    *part = {set.channels, set.height, set.width, set.classes, {}, {}};
  for (std::size_t i = 0; i < set.size(); ++i) {
    const bool is_test = seen[static_cast<std::size_t>(set.labels[i])]++ % 5 == 4;
    vt::ImageSet& part = is_test ? parts.test : parts.train;
    const auto from = set.pixels.begin() + static_cast<std::ptrdiff_t>(i * size);
    part.pixels.insert(part.pixels.end(), from, from + static_cast<std::ptrdiff_t>(size));
    part.labels.push_back(set.labels[i]);
  }
  if (parts.test.size() == 0)
    fail("expected a class of at least five pictures, found none: there is nothing to test on");
  return parts;
}

vt::TrainAndTest read_pictures(const fs::path& folder, const Base& base) {
  if (!image_reader()) fail("this program was built without pictures: apt-get install libpng-dev libturbojpeg0-dev");
  const auto read = [&](const fs::path& of) {
    return vt::read_image_folder(vt::list_image_folder(of), base.preprocess, base.channels, image_reader());
  };
  if (!fs::is_directory(folder / "train")) return split(read(folder));
  const vt::ImageFolder train = vt::list_image_folder(folder / "train");
  const fs::path test = fs::is_directory(folder / "test") ? folder / "test" : folder / "val";
  if (vt::list_image_folder(test).classes != train.classes)
    fail(test.string() + ": expected sub-folders of the names of those in " + (folder / "train").string());
  return {read(folder / "train"), read(test)};
}

// What there is in the folder says what kind it is.
vt::TrainAndTest read_data(const Options& o, const Base& base) {
  const fs::path folder = o.data;
  const auto is_there = [&](const char* name) { return fs::exists(folder / name); };
  vt::TrainAndTest data;
  if (o.drawn > 0) {
    data = {vt::drawn_shapes(o.seed, o.drawn), vt::drawn_shapes(o.seed + 1'000'000, (o.drawn + 3) / 4)};
  } else if (is_there("train-images-idx3-ubyte") || is_there("train-images-idx3-ubyte.gz")) {
    data = vt::find_fashion_mnist(folder);
  } else if (is_there("data_batch_1.bin") || is_there("train.bin")) {
    data = vt::find_cifar(folder);
  } else {
    return read_pictures(folder, base);
  }
  return {vt::fitted(data.train, base.preprocess, base.channels),
          vt::fitted(data.test, base.preprocess, base.channels)};
}

void run(const Options& o) {
  const auto base = known_bases().at(o.model).load(o);
  const std::vector<std::string> known = base->methods();
  const std::vector<std::string> methods = o.methods.empty() ? known : o.methods;
  for (const std::string& method : methods) {
    if (std::find(known.begin(), known.end(), method) != known.end()) continue;
    std::string all;
    for (const std::string& name : known) all += (all.empty() ? "" : " ") + name;
    fail("--method: expected one of those compiled for " + base->name + " (" + all + "), found " + method);
  }
  const vt::TrainAndTest data = read_data(o, *base);
  if (data.train.classes > base->classes)
    fail("expected at most " + std::to_string(base->classes) + " classes for " + base->name + ", found " +
         std::to_string(data.train.classes));
  std::printf("%zu training and %zu test images of %zu classes\n\n", data.train.size(), data.test.size(),
              data.train.classes);
  std::printf("%-16s %10s %10s %12s %12s %9s\n", "method", "accuracy", "trainable", "adapter", "arena", "images/s");
  for (const std::string& method : methods) {
    const Row row = base->finetune(method, data, o);
    std::printf("%-16s %8.2f %% %8.2f %% %9.1f kB %9.1f kB %9.0f\n", method.c_str(), 100 * row.accuracy,
                100 * static_cast<double>(row.trainable) / static_cast<double>(row.parameters),
                static_cast<double>(row.adapter_bytes) * 1e-3, static_cast<double>(row.arena_bytes) * 1e-3,
                row.images_per_second);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  std::vector<std::string> models;
  std::string methods;
  for (const auto& [name, base] : known_bases()) {
    models.push_back(name);
    methods += "; for " + name + ": " + base.methods;
  }
  CLI::App app("Fine-tunes a base by several methods and compares them.");
  app.add_option("--model", o.model, "what the base is: train_vit, or timm's name")
      ->capture_default_str()
      ->check(CLI::IsMember(models));
  app.add_option("--base", o.base, "safetensors file")->required()->check(CLI::ExistingFile);
  auto* data = app.add_option("--data", o.data,
                              "folder: a sub-folder of PNG and JPEG files for each class (or such folders train and "
                              "test), CIFAR's binary files, or IDX files as Fashion-MNIST's")
                   ->check(CLI::ExistingDirectory);
  auto* drawn = app.add_option("--drawn", o.drawn, "so many drawn images instead")->check(CLI::PositiveNumber);
  data->excludes(drawn);
  app.add_option("--method", o.methods, "one or more, all if none is given" + methods);
  app.add_option("--epochs", o.epochs)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch", o.batch, "images in a step")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--rate", o.rate, "peak learning rate, of all methods; default: what suits each");
  app.add_flag("--mirror,!--no-mirror", o.mirror, "mirror every other training image (default)");
  app.add_option("--threads", o.threads, "0: OMP_NUM_THREADS, else the cores")->capture_default_str();
  app.add_option("--seed", o.seed)->capture_default_str();
  app.add_option("--out", o.out, "folder; what each method added is saved in a folder of its name in it");
  CLI11_PARSE(app, argc, argv);
  try {
    if (o.data.empty() && o.drawn == 0) fail("expected --data or --drawn, found neither");
    run(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "finetune: %s\n", e.what());
    return 1;
  }
}
