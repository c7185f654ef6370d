// positions.hpp - position embeddings of one image size, made to fit another.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "../error.hpp"
#include "../tensor/resampling.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
// The side of the square grid that `rows` rows are after the first `prefix`; 0 if they are none.
inline std::size_t grid_side(std::size_t rows, std::size_t prefix) {
  const std::size_t patches = rows > prefix ? rows - prefix : 0;
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(patches))));
  return side * side == patches ? side : 0;
}
}  // namespace detail

// `from` is [prefix + g * g, width], a row for each class, distillation or register token and then one for each patch
// of a square grid; `to` gets [prefix + h * h, width]. The first `prefix` rows are copied, the others resampled as by
// timm's resample_abs_pos_embed: bicubic, antialiased, corners not aligned. Throws shape_error if the patches of either
// are not those of a square grid.
template <class T>
void resample_positions(std::span<const T> from, std::size_t prefix, std::size_t width, std::span<T> to) {
  const auto grid_of = [&](std::size_t size) {
    const std::size_t rows = width ? size / width : 0, side = detail::grid_side(rows, prefix);
    if (side == 0 || size != rows * width) {
      throw shape_error("resample_positions: expected " + std::to_string(prefix) +
                        " rows and those of a square grid, found " + std::to_string(rows));
    }
    return side;
  };
  const std::size_t old_grid = grid_of(from.size()), grid = grid_of(to.size());
  const ResamplingWeights w = resampling_weights(old_grid, grid, resampling::bicubic);
  for (std::size_t i = 0; i < prefix * width; ++i) to[i] = from[i];
  std::vector<double> sums(width);
  for (std::size_t y = 0; y < grid; ++y) {
    for (std::size_t x = 0; x < grid; ++x) {
      sums.assign(width, 0);
      for (std::size_t i = 0; i < w.count[y]; ++i) {
        for (std::size_t j = 0; j < w.count[x]; ++j) {
          const double weight = w.weights[y * w.most + i] * w.weights[x * w.most + j];
          const T* row = from.data() + (prefix + (w.begin[y] + i) * old_grid + w.begin[x] + j) * width;
          for (std::size_t c = 0; c < width; ++c) sums[c] += weight * double(row[c]);
        }
      }
      T* row = to.data() + (prefix + y * grid + x) * width;
      for (std::size_t c = 0; c < width; ++c) row[c] = static_cast<T>(sums[c]);
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU
