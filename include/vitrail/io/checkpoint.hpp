// checkpoint.hpp - a model's parameters and running statistics as a safetensors file, under timm's and torch's names.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "../backend/backend.hpp"
#include "../backend/values.hpp"
#include "checkpoint_reader.hpp"
#include "safetensors.hpp"
#include "safetensors_writer.hpp"

namespace vitrail::inline VITRAIL_TU {

// Writes all parameters, trainable and frozen, and running statistics. The file appears whole or not at all: it is
// written beside, synced and renamed. Throws io_error.
template <class Model>
void save_checkpoint(const Model& model, const std::filesystem::path& path,
                     const std::map<std::string, std::string>& metadata = {}) {
  detail::HostCopies<typename Model::Memory, typename Model::value> copies;
  std::vector<TensorToWrite> tensors;
  model.each_parameter([&](const auto& info, const auto* values, bool) {
    using T = std::remove_cvref_t<decltype(*values)>;
    tensors.push_back({info.path, dtype_of<T>, info.shape, copies.of(values, info.size)});
  });
  write_safetensors(path, tensors, metadata);
}

// Fills a model from a file that holds exactly its parameters and running statistics, under the names that options.keys
// maps to timm's, in float16, bfloat16, float32 or float64; or from one of save_training, of which it takes these
// alone. All is checked before anything is read, and read before anything is changed: when it throws io_error, which
// names every parameter that is missing, misshapen or not the model's, the model is as it was. Needs its parameters
// once more while it runs; load() does not.
template <class Model>
void load_checkpoint(Model& model, const std::filesystem::path& path, const LoadOptions& options = {}) {
  const Safetensors file = Safetensors::open(path);
  std::vector<detail::ExpectedParameter> expected;
  model.each_parameter([&](const auto& info, const auto*, bool) { expected.push_back({info.path, info.shape}); });
  const detail::CheckpointReader reader(file, expected, options);
  model.assign([&](const auto& info, auto* values) { reader.read(info.path, std::span(values, info.size)); });
}

template <class M>
class Model;  // nn/model.hpp
struct seed;

// A new model with the values of a file, see load_checkpoint:
// `auto model = vt::load<vt::ViT_B16<>>("model.safetensors", {.keys = vt::hf});`. Values are read to where they stay;
// none are drawn but for a head that is kept.
template <class M, class Seed = seed>
Model<M> load(const std::filesystem::path& path, const LoadOptions& options = {}, Seed start = {}, backend on = {}) {
  const Safetensors file = Safetensors::open(path);
  std::vector<detail::ExpectedParameter> expected;
  for (const auto& info : Model<M>::parameters()) expected.push_back({info.path, info.shape});
  const detail::CheckpointReader reader(file, expected, options);
  return Model<M>([&](const auto& info, auto* values) { return reader.read(info.path, std::span(values, info.size)); },
                  start, on);
}

}  // namespace vitrail::inline VITRAIL_TU
