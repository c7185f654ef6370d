// train_vit.cpp - what the example train_vit saved: its configuration follows from the file's patches, the pixels'
// statistics are in the file.
#include "../train_vit_models.hpp"

#include <sstream>

#include "static_classifier.hpp"

namespace {

std::array<double, 3> numbers(const vt::Safetensors& file, const char* name, double otherwise) {
  std::array<double, 3> values{otherwise, otherwise, otherwise};
  const auto found = file.metadata().find(name);
  if (found == file.metadata().end()) return values;
  std::istringstream text(found->second);
  if (text >> values[0] && !(text >> values[1] >> values[2])) values[1] = values[2] = values[0];  // grey
  return values;
}

std::unique_ptr<Classifier> load(const Source& source) {
  const vt::Safetensors file = vt::Safetensors::open(source.weights);
  const auto& patches = file.at("patch_embed.proj.weight").shape;
  vt::Preprocess how{.crop = 1,
                     .filter = vt::resampling::bilinear,
                     .mean = numbers(file, "train_vit.mean", 0.5),
                     .deviation = numbers(file, "train_vit.deviation", 0.5)};
  if (patches.size() == 4 && patches[1] == 1) {
    how.size = gray_28.image;
    return std::make_unique<StaticClassifier<vt::ViTBackbone<gray_28>>>(source, how);
  }
  how.size = colour_32.image;
  return std::make_unique<StaticClassifier<vt::ViTBackbone<colour_32>>>(source, how);
}

const bool added = (known_models()["train_vit"] = load, true);

}  // namespace
