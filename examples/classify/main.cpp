// main.cpp - names the classes of pictures, by a checkpoint from anywhere: classify --model vit_tiny_patch16_224
// --weights model.safetensors --images folder
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <vector>
#include <vitrail/data/picture_set.hpp>
#include <vitrail/io/safetensors.hpp>
#include <vitrail/io/safetensors_writer.hpp>
#include <vitrail/models/pixel_statistics.hpp>
#include <vitrail/tensor/top.hpp>

#include "classifier.hpp"

namespace {

struct Options {
  std::string model, weights, keys = "timm", tensor, logits, names, pixels, filter;
  std::vector<std::string> images;
  double crop = 0;
  std::size_t batch = 8;
  int threads = 0;
};
// Pictures that are the model's input already, and what they are called.
struct Inputs {
  std::vector<float> values;
  std::vector<std::string> names;
};

const std::map<std::string, vt::KeyMap> key_maps{
    {"timm", vt::timm}, {"torchvision", vt::torchvision}, {"hf", vt::hf}, {"swin", vt::microsoft_swin}};

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

Inputs read_tensor(const std::string& path, const Classifier& model) {
  const vt::Safetensors file = vt::Safetensors::open(path);
  const auto& shape = file.at("images").shape;
  const std::vector<std::size_t> expected{shape.empty() ? 1 : shape[0], model.channels, model.size, model.size};
  if (shape != expected)
    fail(path + ": images: expected [B, " + std::to_string(model.channels) + ", " + std::to_string(model.size) + ", " +
         std::to_string(model.size) + "], found " + vt::spelled_shape(shape));
  Inputs inputs{file.read<float>("images"), {}};
  for (std::size_t b = 0; b < shape[0]; ++b) inputs.names.push_back("image " + std::to_string(b));
  return inputs;
}

// Files as they are named, of a folder its PNG and JPEG files in the order of their names.
std::vector<std::filesystem::path> find_images(const std::vector<std::string>& named) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& name : named) {
    if (!std::filesystem::is_directory(name)) {
      paths.emplace_back(name);
      continue;
    }
    const auto begin = static_cast<std::ptrdiff_t>(paths.size());
    for (const auto& entry : std::filesystem::directory_iterator(name)) {
      std::string ending = entry.path().extension().string();
      std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      if (ending == ".png" || ending == ".jpg" || ending == ".jpeg") paths.push_back(entry.path());
    }
    std::sort(paths.begin() + begin, paths.end());
  }
  if (paths.empty()) fail("no images: " + (named.empty() ? std::string("none named") : named[0]));
  return paths;
}

Inputs read_images(const std::vector<std::string>& named, const Classifier& model) {
  if (!image_reader()) fail("this program was built without --images: apt-get install libpng-dev libturbojpeg0-dev");
  Inputs inputs;
  const std::size_t area = model.size * model.size;
  std::vector<float> colours(3 * area);
  for (const auto& path : find_images(named)) {
    vt::Image image = image_reader()(path);
    if (model.channels == 1) image = vt::to_grey(std::move(image));
    vt::preprocess(image, model.preprocess, std::span(colours));
    inputs.values.insert(inputs.values.end(), colours.begin(),
                         colours.begin() + static_cast<std::ptrdiff_t>(model.channels * area));
    inputs.names.push_back(path.string());
  }
  return inputs;
}

void override_preprocess(const Options& o, vt::Preprocess& how) {
  if (!o.pixels.empty()) how = how.with(o.pixels == "half" ? vt::half_pixels : vt::imagenet_pixels);
  if (!o.filter.empty()) how.filter = o.filter == "bilinear" ? vt::resampling::bilinear : vt::resampling::bicubic;
  if (o.crop > 0) how.crop = o.crop;
}

void print_top(const std::string& name, std::span<const float> logits, const std::vector<std::string>& names) {
  std::printf("%s\n", name.c_str());
  for (const vt::RankedClass& c : vt::top<5>(logits)) {
    std::printf("  %5.1f %%  %9.4f  class %zu%s%s\n", 100 * c.probability, c.logit, c.index,
                c.index < names.size() ? "  " : "", c.index < names.size() ? names[c.index].c_str() : "");
  }
}

void run(const Options& o) {
  using clock = std::chrono::steady_clock;
  const auto seconds_since = [](clock::time_point t) {
    return std::chrono::duration<double>(clock::now() - t).count();
  };
  const auto start = clock::now();
  const auto model = known_models().at(o.model)({o.weights, key_maps.at(o.keys), o.threads});
  std::printf("%s, %zu classes, loaded in %.2f s\n", o.model.c_str(), model->classes, seconds_since(start));
  override_preprocess(o, model->preprocess);
  const Inputs inputs = o.tensor.empty() ? read_images(o.images, *model) : read_tensor(o.tensor, *model);
  std::vector<std::string> names;
  std::ifstream lines(o.names);
  for (std::string line; std::getline(lines, line);) names.push_back(line);

  const std::size_t count = inputs.names.size(), size = model->channels * model->size * model->size;
  std::vector<float> logits;
  const auto begin = clock::now();
  for (std::size_t b = 0; b < count; b += o.batch) {
    const auto part = model->logits(inputs.values.data() + b * size, std::min(o.batch, count - b));
    logits.insert(logits.end(), part.begin(), part.end());
  }
  const double seconds = seconds_since(begin);
  for (std::size_t b = 0; b < count; ++b)
    print_top(inputs.names[b], std::span(logits).subspan(b * model->classes, model->classes), names);
  std::printf("%zu images, %.1f per second\n", count, static_cast<double>(count) / seconds);
  if (o.logits.empty()) return;
  const vt::TensorToWrite tensor{"logits", vt::dtype::f32, {count, model->classes}, logits.data()};
  vt::write_safetensors(o.logits, std::span(&tensor, 1));
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  std::vector<std::string> models, keys;
  for (const auto& [name, load] : known_models()) models.push_back(name);
  for (const auto& [name, map] : key_maps) keys.push_back(name);
  CLI::App app("Names the classes of pictures.");
  app.add_option("--model", o.model, "timm's name of the model")->required()->check(CLI::IsMember(models));
  app.add_option("--weights", o.weights, "safetensors file")->required();
  app.add_option("--keys", o.keys, "whose names the file uses")->capture_default_str()->check(CLI::IsMember(keys));
  auto* images = app.add_option("--images", o.images, "PNG and JPEG files, or folders of them");
  auto* tensor = app.add_option("--tensor", o.tensor, "safetensors file with 'images' [B, 3, H, W], preprocessed");
  images->excludes(tensor);
  app.add_option("--logits", o.logits, "write 'logits' [B, classes] to this safetensors file");
  app.add_option("--names", o.names, "text file with a class's name in each line")->check(CLI::ExistingFile);
  app.add_option("--pixels", o.pixels, "other statistics than the model's")->check(CLI::IsMember({"half", "imagenet"}));
  app.add_option("--filter", o.filter, "another filter")->check(CLI::IsMember({"bilinear", "bicubic"}));
  app.add_option("--crop", o.crop, "another share of the picture")->check(CLI::Range(0.1, 1.0));
  app.add_option("--batch", o.batch, "images at a time")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--threads", o.threads, "0: OMP_NUM_THREADS, else the cores")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    if (o.images.empty() && o.tensor.empty()) fail("expected --images or --tensor, found neither");
    run(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "classify: %s\n", e.what());
    return 1;
  }
}
