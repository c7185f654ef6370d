// train_vit.cpp - what the example train_vit saved: the family of the model and the pixels' statistics are in the file.
#include "../train_vit/checkpoint.hpp"
#include "../train_vit/models.hpp"
#include "static_classifier.hpp"

namespace {

template <class Gray, class Colour>
std::unique_ptr<Classifier> load_family(const Source& source, const vt::Safetensors& file) {
  if (train_vit_is_grey(file)) {
    return std::make_unique<StaticClassifier<Gray>>(source, train_vit_preprocess(file, Gray::input::dims[1]));
  }
  return std::make_unique<StaticClassifier<Colour>>(source, train_vit_preprocess(file, Colour::input::dims[1]));
}

std::unique_ptr<Classifier> load(const Source& source) {
  const vt::Safetensors file = vt::Safetensors::open(source.weights);
  const std::string family = train_vit_text(file, "train_vit.model", "vit");
  if (family == "swin") return load_family<vt::SwinBackbone<vt::swin_28>, vt::SwinBackbone<vt::swin_32>>(source, file);
  if (family == "cnn") return load_family<vt::CnnBackbone<cnn_28>, vt::CnnBackbone<cnn_32>>(source, file);
  if (family == "resnet") {
    return load_family<vt::ResNetBackbone<resnet_28>, vt::ResNetBackbone<vt::resnet20_cifar>>(source, file);
  }
  return load_family<vt::ViTBackbone<gray_28>, vt::ViTBackbone<colour_32>>(source, file);
}

const bool added = (known_models()["train_vit"] = load, true);

}  // namespace
