// checkpoint.hpp - a model's parameters and running statistics as a safetensors file, under timm's and torch's names.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "safetensors.hpp"
#include "safetensors_writer.hpp"

namespace vitrail::inline VITRAIL_TU {

// Writes all parameters, trainable and frozen, and running statistics. The file appears whole or not at all: it is
// written beside, synced and renamed. Throws io_error.
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

namespace detail {

// In the metadata of a file of save_training: the version of what is in it.
inline constexpr const char* training_key = "vitrail.training";

// A tensor that a file must have; any dtype will do if none is given.
struct ExpectedTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::optional<dtype> type = std::nullopt;
};
// A line for every tensor that is missing, misshapen or of another dtype, and for every one of the file that is neither
// expected nor ignored; those are `of` nothing. Sorts what is expected.
template <class Ignored>
std::string tensor_problems(const Safetensors& file, std::vector<ExpectedTensor>& expected, const char* of,
                            const Ignored& ignored) {
  std::string problems;
  for (const ExpectedTensor& tensor : expected) {
    const TensorInfo* found = file.find(tensor.name);
    const std::string line = "\n  " + spelled(tensor.name) + ": expected ";
    if (!found) {
      problems += line + spelled_shape(tensor.shape) + ", not in the file";
    } else if (found->shape != tensor.shape) {
      problems += line + spelled_shape(tensor.shape) + ", found " + spelled_shape(found->shape);
    } else if (tensor.type && found->type != *tensor.type) {
      problems += line + std::string(dtype_name(*tensor.type)) + ", found " + std::string(dtype_name(found->type));
    }
  }
  std::ranges::sort(expected, {}, &ExpectedTensor::name);
  for (const TensorInfo& found : file.tensors()) {
    if (std::ranges::binary_search(expected, found.name, {}, &ExpectedTensor::name) || ignored(found.name)) continue;
    problems += "\n  " + spelled(found.name) + ": in the file, but no " + of;
  }
  return problems;
}

// PyTorch's batch norms count their batches, which nothing here reads. What is expected is sorted by name.
inline bool counts_batches(std::string_view name, const std::vector<ExpectedTensor>& expected) {
  constexpr std::string_view counter = "num_batches_tracked";
  if (!name.ends_with(counter)) return false;
  const std::string mean = std::string(name.substr(0, name.size() - counter.size())) + "running_mean";
  return std::ranges::binary_search(expected, mean, {}, &ExpectedTensor::name);
}

}  // namespace detail

// Fills a model from a file that holds exactly its parameters and running statistics, or from one of save_training, of
// which it takes these alone. All is checked before anything is copied: when it throws io_error, which names every
// parameter that is missing, misshapen or not the model's, the model is as it was.
template <class Model>
void load_checkpoint(Model& model, const std::filesystem::path& path) {
  static_assert(Model::Backend::memory::host_readable, "load_checkpoint: the model's memory must be the host's");
  const Safetensors file = Safetensors::open(path);
  std::vector<detail::ExpectedTensor> expected;
  model.each_parameter([&](const auto& info, const auto*, bool) { expected.push_back({info.path, info.shape}); });
  const bool training = file.metadata().contains(detail::training_key);
  const auto ignored = [&](std::string_view name) {
    return (training && (name.starts_with("optimiser.") || name.starts_with("ema."))) ||
           detail::counts_batches(name, expected);
  };
  const std::string problems = detail::tensor_problems(file, expected, "parameter of the model", ignored);
  if (!problems.empty()) throw io_error(file.name() + ": the checkpoint does not fit the model:" + problems);
  model.assign([&](const auto& info, auto* values) { file.read(file.at(info.path), std::span(values, info.size)); });
}

}  // namespace vitrail::inline VITRAIL_TU
