// trainable.hpp - what trains of a model as a file of its own: of a tuned one, all that is not its base's. Any method
// has this form; LoRAs have peft's too (io/peft.hpp).
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../backend/values.hpp"
#include "dtype.hpp"
#include "safetensors.hpp"
#include "safetensors_writer.hpp"
#include "tensor_problems.hpp"

namespace vitrail::inline VITRAIL_TU {

// Writes the parameters that train, under the model's names; the file appears whole or not at all. Throws io_error,
// also for a model with running statistics, which training moves but which are not parameters: save_checkpoint has
// them.
template <class Model>
void save_trainable(const Model& model, const std::filesystem::path& path,
                    const std::map<std::string, std::string>& metadata = {}) {
  if (model.statistics().size() > 0)
    throw io_error(path.string() + ": expected a model of parameters alone, found one with running statistics");
  detail::HostCopies<typename Model::Memory, typename Model::value> copies;
  std::vector<TensorToWrite> tensors;
  const auto& store = model.trainable();
  tensors.reserve(store.table.size());
  for (const auto& info : store.table) {
    tensors.push_back({info.path, dtype_of<typename Model::value>, info.shape,
                       copies.of(store.values.data() + info.offset, info.size)});
  }
  write_safetensors(path, tensors, metadata);
}

// Fills the parameters that train from such a file; the base is not in it and must be the same. When it throws
// io_error, which has a line for each parameter that is missing, misshapen or not the model's, the model is as it was.
template <class Model>
void load_trainable(Model& model, const std::filesystem::path& path) {
  const Safetensors file = Safetensors::open(path);
  std::vector<detail::ExpectedTensor> expected;
  for (const auto& info : model.trainable().table) expected.push_back({info.path, info.shape});
  const std::string problems =
      detail::tensor_problems(file, expected, "trainable parameter", [](std::string_view) { return false; });
  if (!problems.empty()) throw io_error(file.name() + ": the file does not fit what trains of the model:" + problems);
  model.assign_trainable(
      [&](const auto& info, auto* values) { file.read(file.at(info.path), std::span(values, info.size)); });
}

}  // namespace vitrail::inline VITRAIL_TU
