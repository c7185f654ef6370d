// tensor_info.hpp - what a safetensors file says about a tensor, and how much it may say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../config.hpp"
#include "dtype.hpp"

namespace vitrail::inline VITRAIL_TU {

// One tensor of a file. `begin` and `end` are bytes, counted from the end of the header.
struct TensorInfo {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::size_t> shape;
  std::size_t begin = 0, end = 0;
};

// No writer comes near these, and they keep what a small hostile header can cost small. The reference knows only the
// first.
struct SafetensorsLimits {
  static constexpr std::size_t header_bytes = 100'000'000;
  static constexpr std::size_t tensors = 1'000'000;
  static constexpr std::size_t rank = 16;
  static constexpr std::uint64_t extent = std::uint64_t{1} << 48;
  static constexpr std::size_t name_bytes = 4096;
  static constexpr std::size_t metadata_entries = 100'000;
  static constexpr std::size_t unknown_keys = 64;  // of one object
  static constexpr std::size_t string_bytes = std::size_t{1}
                                              << 24;  // of any one JSON string: metadata may hold a long text
};

}  // namespace vitrail::inline VITRAIL_TU
