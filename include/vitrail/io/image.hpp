// image.hpp - how large a picture may be that is read from a file.
#pragma once

#include <cstddef>

#include "../tensor/image.hpp"

namespace vitrail::inline VITRAIL_TU {

// What read_image accepts: a small file can ask for much memory.
struct ImageLimits {
  static constexpr std::size_t side = 16384, pixels = std::size_t{1} << 26, file_bytes = std::size_t{1} << 28;
};

}  // namespace vitrail::inline VITRAIL_TU
