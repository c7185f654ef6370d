// peft_values.hpp - the values of an adapter's file as a model has them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../backend/values.hpp"
#include "peft_tensor.hpp"
#include "safetensors.hpp"
#include "spelled.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Where a model has a tensor's parameter and, of PiSSA, what it started as.
template <class T>
struct ModelValues {
  const T *parameter = nullptr, *start = nullptr;
  std::size_t size = 0;  // of the parameter
};
template <class T, class Model>
ModelValues<T> values_of(const Model& model, const PeftTensor& tensor) {
  ModelValues<T> found;
  model.each_parameter([&](const auto& info, const T* values, bool) {
    if (info.path == tensor.parameter) found.parameter = values, found.size = info.size;
    if (info.path == tensor.start) found.start = values;
  });
  return found;
}
// Values by the paths of parameters and statistics.
template <class T>
using AdapterValues = std::map<std::string, std::vector<T>>;
template <class T, class Model>
AdapterValues<T> read_adapter(const Model& model, const Safetensors& file, const std::vector<PeftTensor>& tensors) {
  AdapterValues<T> all;
  for (const PeftTensor& tensor : tensors) {
    std::vector<T> values = file.read<T>(tensor.name);
    if (!tensor.parts.empty()) {
      values = gather_parts(tensor, std::move(values));
      if (values.empty()) {
        throw io_error(file.name() + ": " + spelled(tensor.name) + ": expected zeros but where a part of the layer " +
                       "meets its own matrix, as on = vt::sites<...> of parts has them, found others");
      }
    }
    std::vector<T>& parameter = all[tensor.parameter];
    if (tensor.start.empty()) {
      parameter.resize(values_of<T>(model, tensor).size);
      std::copy(values.begin(), values.end(), parameter.begin() + static_cast<std::ptrdiff_t>(tensor.first));
      continue;
    }
    std::vector<T>& start = all[tensor.start];
    parameter.resize(values_of<T>(model, tensor).size);
    start.resize(parameter.size());
    split_start(tensor, values, parameter.data() + tensor.first / 2, start.data() + tensor.first / 2);
  }
  return all;
}
// What is subtracted, B0 A0 of each part, must be that of this base but for the rounding of another machine: else half
// of an adapter that is no PiSSA would never train again.
template <class T, class Model>
void check_starts(const Model& model, const std::string& file, const AdapterValues<T>& values) {
  for (const auto& layer : lora_layers(model.net())) {
    if (!layer.pissa) continue;
    const std::string a = layer.path + ".lora_A.start", b = layer.path + ".lora_B.start";
    const std::size_t selected = layer.where.selected(), rows = selected * (layer.out / layer.where.count);
    const auto product = [&](const T* down, const T* up, std::size_t row, std::size_t column) {
      double sum = 0;
      for (std::size_t k = 0; k < layer.rank; ++k) {
        sum += static_cast<double>(up[row * layer.rank + k]) *
               static_cast<double>(down[(row * selected / rows * layer.rank + k) * layer.in + column]);
      }
      return sum;
    };
    HostCopies<typename Model::Memory, T> copies;
    const T *down = nullptr, *up = nullptr;
    model.each_parameter([&](const auto& info, const T* own, bool) {
      if (info.path == a) down = copies.of(own, info.size);
      if (info.path == b) up = copies.of(own, info.size);
    });
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < layer.in; ++j) {
        const double wanted = product(down, up, i, j), found = product(values.at(a).data(), values.at(b).data(), i, j);
        difference += (found - wanted) * (found - wanted);
        norm += wanted * wanted;
      }
    }
    if (!(difference <= 1e-6 * norm)) {
      throw io_error(file + ": " + layer.path + ": expected the second half of the rank to be the principal part of " +
                     "the base's weight, negative, as of a PiSSA on this base; found another");
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
