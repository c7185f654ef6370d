// checkpoint.hpp - a model's parameters as a safetensors file, under their timm names.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "safetensors.hpp"
#include "safetensors_writer.hpp"

namespace vitrail::inline VITRAIL_TU {

// Writes all parameters, trainable and frozen. The file appears whole or not at all: it is written beside, synced and
// renamed. Throws io_error.
template <class Model>
void save_checkpoint(const Model& model, const std::filesystem::path& path,
                     const std::map<std::string, std::string>& metadata = {}) {
  static_assert(Model::Backend::memory::host_readable, "save_checkpoint: the model's memory must be the host's");
  std::vector<TensorToWrite> tensors;
  model.each_parameter([&](const auto& info, const auto* values, bool) {
    using T = std::remove_cvref_t<decltype(*values)>;
    tensors.push_back({info.path, dtype_of<T>, info.shape, values});
  });
  write_safetensors(path, tensors, metadata);
}

// Fills a model from a file that holds exactly its parameters. All is checked before anything is copied: when it throws
// io_error, which names every parameter that is missing, misshapen or not the model's, the model is as it was.
template <class Model>
void load_checkpoint(Model& model, const std::filesystem::path& path) {
  static_assert(Model::Backend::memory::host_readable, "load_checkpoint: the model's memory must be the host's");
  const Safetensors file = Safetensors::open(path);
  std::string problems;
  std::vector<std::string> expected;
  model.each_parameter([&](const auto& info, const auto*, bool) {
    expected.push_back(info.path);
    const TensorInfo* found = file.find(info.path);
    if (!found) {
      problems += "\n  " + spelled(info.path) + ": expected " + spelled_shape(info.shape) + ", not in the file";
    } else if (found->shape != info.shape) {
      problems += "\n  " + spelled(info.path) + ": expected " + spelled_shape(info.shape) + ", found " +
                  spelled_shape(found->shape);
    }
  });
  std::sort(expected.begin(), expected.end());
  for (const TensorInfo& found : file.tensors()) {
    if (!std::binary_search(expected.begin(), expected.end(), found.name)) {
      problems += "\n  " + spelled(found.name) + ": in the file, but no parameter of the model";
    }
  }
  if (!problems.empty()) throw io_error(file.name() + ": the checkpoint does not fit the model:" + problems);
  model.assign([&](const auto& info, auto* values) { file.read(file.at(info.path), std::span(values, info.size)); });
}

}  // namespace vitrail::inline VITRAIL_TU
