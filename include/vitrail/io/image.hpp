// image.hpp - a picture in memory, and how large one may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// Pixels are [height, width, 3]: red, green, blue in 0 ... 255.
struct Image {
  std::size_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

// What read_image accepts: a small file can ask for much memory.
struct ImageLimits {
  static constexpr std::size_t side = 16384, pixels = std::size_t{1} << 26, file_bytes = std::size_t{1} << 28;
};

}  // namespace vitrail::inline VITRAIL_TU
