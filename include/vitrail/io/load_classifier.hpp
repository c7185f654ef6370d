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
// Where the file's head is in timm's names ("head", or "head.fc" in Swin), and its number of classes.
struct FoundHead {
  std::string name;
  std::size_t classes = 0;
};
inline FoundHead find_head(const Safetensors& file, const KeyMap& keys) {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : file.tensors()) names.push_back(tensor.name);
  for (const KeyPiece& piece : map_keys(keys, names)) {
    if (piece.parameter != "head.weight" && piece.parameter != "head.fc.weight") continue;
    const std::vector<std::size_t>& shape = file.at(piece.tensor).shape;
    if (shape.size() == 2 && shape[0] > 0) return {piece.parameter.substr(0, piece.parameter.size() - 7), shape[0]};
  }
  throw io_error(file.name() + ": expected a head's weight [classes, features], found none under the names of " +
                 keys.name);
}
}  // namespace detail

// `auto classify = vt::load_classifier<vt::ViTBackbone<vt::vit_tiny_patch16_224>>("model.safetensors");` A
// RuntimeClassifier with the file's values and number of classes. Throws io_error as load_checkpoint does; options.head
// does not matter.
template <class Backbone>
RuntimeClassifier<Backbone> load_classifier(const std::filesystem::path& path, const LoadOptions& options = {},
                                            backend on = {}) {
  static_assert(RuntimeClassifier<Backbone>::Memory::host_readable, "load_classifier: memory must be the host's");
  const Safetensors file = Safetensors::open(path);
  const detail::FoundHead head = detail::find_head(file, options.keys);
  std::vector<detail::ExpectedParameter> expected{{head.name + ".weight", {head.classes, Backbone::features}},
                                                  {head.name + ".bias", {head.classes}}};
  if constexpr (RuntimeClassifier<Backbone>::heads > 1) {
    expected.push_back({"head_dist.weight", {head.classes, Backbone::features}});
    expected.push_back({"head_dist.bias", {head.classes}});
  }
  for (const auto& info : RuntimeClassifier<Backbone>::parameters()) expected.push_back({info.path, info.shape});
  LoadOptions strict = options;
  strict.head = head_policy::refuse;
  const detail::CheckpointReader reader(file, expected, strict);
  return RuntimeClassifier<Backbone>(
      head.classes,
      [&](const auto& info, auto* to) {
        const bool of_head = info.path.starts_with("head.");
        return reader.read(of_head ? head.name + info.path.substr(4) : info.path, std::span(to, info.size));
      },
      on);
}

}  // namespace vitrail::inline VITRAIL_TU
