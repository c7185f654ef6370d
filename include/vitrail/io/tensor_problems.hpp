// tensor_problems.hpp - what is wrong with the tensors of a file, in words: all of it, before anything is read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "safetensors.hpp"
#include "spelled.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

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

}  // namespace vitrail::inline VITRAIL_TU::detail
