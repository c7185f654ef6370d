// peft_tensor.hpp - a tensor of an adapter file, and its values between the file's layout and the model's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// A tensor of the file and the part of a parameter that it holds.
struct PeftTensor {
  std::string name, parameter;
  std::vector<std::size_t> shape;
  std::size_t first = 0;  // element of the parameter
  // B of parts of a fused layer whose file knows the whole layer only: [parts * width, rank] here, there [count *
  // width, parts * rank] with zeros where rows and columns are of different parts.
  std::size_t rank = 0, width = 0;
  std::vector<std::size_t> parts = {};
  // PiSSA: the elements of this statistic follow those of the parameter, `run` of each in turn, and what is told above
  // is of both together.
  std::string start = {};
  std::size_t run = 0;
  bool negative = false;
  std::size_t size() const {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    return n;
  }
};
// Between the parameter's values, of rank `rank`, and the file's.
template <class T>
std::vector<T> spread_parts(const PeftTensor& t, const std::vector<T>& parameter) {
  std::vector<T> file(t.size());
  const std::size_t columns = t.parts.size() * t.rank;
  for (std::size_t q = 0; q < t.parts.size(); ++q) {
    for (std::size_t i = 0; i < t.width; ++i) {
      std::copy_n(parameter.data() + (q * t.width + i) * t.rank, t.rank,
                  file.data() + (t.parts[q] * t.width + i) * columns + q * t.rank);
    }
  }
  return file;
}
// Empty if there is something where rows and columns are of different parts.
template <class T>
std::vector<T> gather_parts(const PeftTensor& t, std::vector<T> file) {
  std::vector<T> parameter(t.parts.size() * t.width * t.rank);
  const std::size_t columns = t.parts.size() * t.rank;
  for (std::size_t q = 0; q < t.parts.size(); ++q) {
    for (std::size_t i = 0; i < t.width; ++i) {
      for (std::size_t k = 0; k < t.rank; ++k) {
        parameter[(q * t.width + i) * t.rank + k] =
            std::exchange(file[(t.parts[q] * t.width + i) * columns + q * t.rank + k], T(0));
      }
    }
  }
  const bool zeros = std::all_of(file.begin(), file.end(), [](const T& left) { return left == T(0); });
  return zeros ? parameter : std::vector<T>();
}
// Of PiSSA: runs of the parameter and of its start in turn.
template <class T>
std::vector<T> join_start(const PeftTensor& t, const T* parameter, const T* start, std::size_t size) {
  std::vector<T> joined;
  joined.reserve(2 * size);
  for (std::size_t at = 0; at < size; at += t.run) {
    joined.insert(joined.end(), parameter + at, parameter + at + t.run);
    for (std::size_t i = at; i < at + t.run; ++i) joined.push_back(t.negative ? -start[i] : start[i]);
  }
  return joined;
}
template <class T>
void split_start(const PeftTensor& t, const std::vector<T>& joined, T* parameter, T* start) {
  for (std::size_t at = 0; at < joined.size() / 2; at += t.run) {
    for (std::size_t i = 0; i < t.run; ++i) {
      parameter[at + i] = joined[2 * at + i];
      start[at + i] = t.negative ? -joined[2 * at + t.run + i] : joined[2 * at + t.run + i];
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
