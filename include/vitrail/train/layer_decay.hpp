// layer_decay.hpp - the depth of parameters, for learning rates that fall from layer to layer (Bao et al. 2022,
// "BEiT").
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "../error.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// A number and a dot at the start of `path`, taken from it.
inline std::optional<std::size_t> take_number(std::string_view& path) {
  std::size_t number = 0;
  const auto [end, problem] = std::from_chars(path.data(), path.data() + path.size(), number);
  if (problem != std::errc() || end == path.data() + path.size() || *end != '.') return {};
  path.remove_prefix(static_cast<std::size_t>(end - path.data()) + 1);
  return number;
}
inline bool take_name(std::string_view& path, std::string_view name) {
  if (!path.starts_with(name)) return false;
  path.remove_prefix(name.size());
  return true;
}
// Stage and block of a parameter in a block: blocks.3.norm1.weight of a ViT, layers.1.blocks.0.norm1.weight of a Swin,
// layer2.0.conv1.weight of a ResNet. What a stage begins with goes with its first block.
inline std::optional<std::pair<std::size_t, std::size_t>> block_of(std::string_view path) {
  if (take_name(path, "blocks.")) {
    if (const auto block = take_number(path)) return std::pair(std::size_t(0), *block);
  } else if (take_name(path, "layers.")) {
    const auto stage = take_number(path);
    if (stage && take_name(path, "downsample.")) return std::pair(*stage, std::size_t(0));
    if (stage && take_name(path, "blocks."))
      if (const auto block = take_number(path)) return std::pair(*stage, *block);
  } else if (take_name(path, "layer")) {
    if (const auto stage = take_number(path))
      if (const auto block = take_number(path)) return std::pair(*stage, *block);
  }
  return {};
}

}  // namespace detail

// How many layers are behind that of each trainable parameter, in the order of model.trainable().table. Layers are
// timm's: what is before the blocks, each block (in a Swin through all stages, with the merging in front of it), the
// last one with the norm behind it, and the head with all else. Throws error if the model has no blocks that are named
// as timm's are.
template <class Model>
std::vector<std::size_t> layers_behind(const Model& model) {
  std::vector<std::size_t> layers;
  std::optional<std::pair<std::size_t, std::size_t>> last;
  std::size_t layer = 0;
  std::vector<bool> is_head;
  model.each_parameter([&](const auto& info, const auto*, bool trains) {
    const auto block = detail::block_of(info.path);
    if (block && block != last) {
      last = block;
      ++layer;
    }
    if (!trains) return;
    layers.push_back(layer);
    is_head.push_back(last && !block && !info.path.starts_with("norm."));
  });
  if (!last) throw error("layer decay: the model has no blocks: expected parameters like blocks.0.norm1.weight");
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i] = is_head[i] ? 0 : layer + 1 - layers[i];
  return layers;
}

}  // namespace vitrail::inline VITRAIL_TU
