// train_vit.cpp - what the example train_vit saved: the family of the model and the pixels' statistics are in the file.
#include <sstream>

#include "../train_vit/models.hpp"
#include "static_classifier.hpp"

namespace {

std::string text_of(const vt::Safetensors& file, const std::string& name, const std::string& otherwise) {
  const auto found = file.metadata().find(name);
  return found == file.metadata().end() ? otherwise : found->second;
}
// One for each channel of grey or coloured images.
std::vector<double> numbers(const std::string& text) {
  std::istringstream stream(text);
  std::vector<double> values;
  for (double x; stream >> x;) values.push_back(x);
  if (values.size() != 1 && values.size() != 3)
    throw vt::io_error("train_vit: expected numbers for 1 or 3 channels, found '" + text + "'");
  return values;
}

template <class Gray, class Colour>
std::unique_ptr<Classifier> load_family(const Source& source) {
  const vt::Safetensors file = vt::Safetensors::open(source.weights);
  vt::Preprocess how{.crop = 1, .filter = vt::resampling::bilinear};
  const auto mean = numbers(text_of(file, "train_vit.mean", "0.5 0.5 0.5"));
  const auto deviation = numbers(text_of(file, "train_vit.deviation", "0.5 0.5 0.5"));
  for (std::size_t c = 0; c < 3; ++c) {
    how.mean[c] = mean[c % mean.size()];
    how.deviation[c] = deviation[c % deviation.size()];
  }
  if (mean.size() == 1) {
    how.size = Gray::input::dims[1];
    return std::make_unique<StaticClassifier<Gray>>(source, how);
  }
  how.size = Colour::input::dims[1];
  return std::make_unique<StaticClassifier<Colour>>(source, how);
}

std::unique_ptr<Classifier> load(const Source& source) {
  const std::string family = text_of(vt::Safetensors::open(source.weights), "train_vit.model", "vit");
  if (family == "swin") return load_family<vt::SwinBackbone<vt::swin_28>, vt::SwinBackbone<vt::swin_32>>(source);
  if (family == "cnn") return load_family<vt::CnnBackbone<cnn_28>, vt::CnnBackbone<cnn_32>>(source);
  if (family == "resnet") {
    return load_family<vt::ResNetBackbone<resnet_28>, vt::ResNetBackbone<vt::resnet20_cifar>>(source);
  }
  return load_family<vt::ViTBackbone<gray_28>, vt::ViTBackbone<colour_32>>(source);
}

const bool added = (known_models()["train_vit"] = load, true);

}  // namespace
