// image.hpp - a picture in memory.
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

}  // namespace vitrail::inline VITRAIL_TU
