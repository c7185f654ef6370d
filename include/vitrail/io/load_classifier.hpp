// load_classifier.hpp - a classifier from a file that also says how many classes there are.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "../backend/backend.hpp"
#include "checkpoint_reader.hpp"
#include "safetensors.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class Backbone>
class RuntimeClassifier;  // models/runtime_classifier.hpp

namespace detail {
// The head's name in timm's (torch's) names: "head", "head.fc" in Swin, "fc" in a ResNet.
template <class Backbone>
constexpr const char* head_name_of() {
  if constexpr (requires { Backbone::head_name; }) {
    return Backbone::head_name;
  } else {
    return "head";
  }
}
inline std::size_t classes_of(const Safetensors& file, const KeyMap& keys, const std::string& head) {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : file.tensors()) names.push_back(tensor.name);
  for (const KeyPiece& piece : map_keys(keys, names)) {
    if (piece.parameter != head + ".weight") continue;
    const std::vector<std::size_t>& shape = file.at(piece.tensor).shape;
    if (shape.size() == 2 && shape[0] > 0) return shape[0];
  }
  throw io_error(file.name() + ": expected a head's weight [classes, features], found no " + head +
                 ".weight under the names of " + keys.name);
}
}  // namespace detail

// `auto classify = vt::load_classifier<vt::ViTBackbone<vt::vit_tiny_patch16_224>>("model.safetensors");` A
// RuntimeClassifier with the file's values and number of classes. Throws io_error as load_checkpoint does; options.head
// does not matter.
template <class Backbone>
RuntimeClassifier<Backbone> load_classifier(const std::filesystem::path& path, const LoadOptions& options = {},
                                            backend on = {}) {
  const Safetensors file = Safetensors::open(path);
  const std::string head = detail::head_name_of<Backbone>();
  const std::size_t classes = detail::classes_of(file, options.keys, head);
  std::vector<detail::ExpectedParameter> expected{{head + ".weight", {classes, Backbone::features}},
                                                  {head + ".bias", {classes}}};
  if constexpr (RuntimeClassifier<Backbone>::heads > 1) {
    expected.push_back({"head_dist.weight", {classes, Backbone::features}});
    expected.push_back({"head_dist.bias", {classes}});
  }
  for (const auto& info : RuntimeClassifier<Backbone>::parameters()) expected.push_back({info.path, info.shape});
  LoadOptions strict = options;
  strict.head = head_policy::refuse;
  const detail::CheckpointReader reader(file, expected, strict);
  return RuntimeClassifier<Backbone>(
      classes,
      [&](const auto& info, auto* to) {
        const bool of_head = info.path.starts_with("head.");
        return reader.read(of_head ? head + info.path.substr(4) : info.path, std::span(to, info.size));
      },
      on);
}

}  // namespace vitrail::inline VITRAIL_TU
