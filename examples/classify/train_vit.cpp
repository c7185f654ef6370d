// train_vit.cpp - what the example train_vit saved: its configuration follows from the file's patches, the pixels'
// statistics are in the file.
#include "../train_vit_checkpoint.hpp"
#include "../train_vit_models.hpp"
#include "static_classifier.hpp"

namespace {

std::unique_ptr<Classifier> load(const Source& source) {
  const vt::Safetensors file = vt::Safetensors::open(source.weights);
  if (train_vit_is_grey(file)) {
    return std::make_unique<StaticClassifier<vt::ViTBackbone<gray_28>>>(source,
                                                                        train_vit_preprocess(file, gray_28.image));
  }
  return std::make_unique<StaticClassifier<vt::ViTBackbone<colour_32>>>(source,
                                                                        train_vit_preprocess(file, colour_32.image));
}

const bool added = (known_models()["train_vit"] = load, true);

}  // namespace
