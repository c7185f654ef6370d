// overlay.hpp - a map over an image, as pixels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "../tensor/image.hpp"
#include "../tensor/view.hpp"
#include "rollout.hpp"

namespace vitrail::inline VITRAIL_TU {

// Another resolution, bilinear between the centres of cells; beyond the outermost centres it is constant.
// torch.nn.functional.interpolate(mode="bilinear"). Throws shape_error for an empty grid.
inline Grid upsampled(const Grid& grid, std::size_t height, std::size_t width) {
  if (grid.height == 0 || grid.width == 0 || grid.values.size() != grid.height * grid.width) {
    throw shape_error("upsampled: a grid of " + std::to_string(grid.height) + " x " + std::to_string(grid.width) +
                      " has " + std::to_string(grid.values.size()) + " values");
  }
  struct Cells {
    std::size_t low, high;
    double share;  // of high
  };
  const auto place = [](std::size_t i, std::size_t cells, std::size_t pixels) {
    const double x = (static_cast<double>(i) + 0.5) * static_cast<double>(cells) / static_cast<double>(pixels) - 0.5;
    const double inside = std::clamp(x, 0.0, static_cast<double>(cells - 1));
    const auto low = static_cast<std::size_t>(inside);
    return Cells{low, std::min(low + 1, cells - 1), inside - static_cast<double>(low)};
  };
  Grid fine{height, width, std::vector<double>(height * width)};
  for (std::size_t y = 0; y < height; ++y) {
    const Cells row = place(y, grid.height, height);
    for (std::size_t x = 0; x < width; ++x) {
      const Cells column = place(x, grid.width, width);
      const auto along = [&](std::size_t r) {
        const double* values = grid.values.data() + r * grid.width;
        return values[column.low] * (1 - column.share) + values[column.high] * column.share;
      };
      fine.values[y * width + x] = along(row.low) * (1 - row.share) + along(row.high) * row.share;
    }
  }
  return fine;
}

namespace detail {
// Values from their smallest to their largest as 0 to 1; all equal: 0.
template <class Values>
auto stretch_of(const Values& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double from = static_cast<double>(*low), width = static_cast<double>(*high) - from;
  return [=](double x) { return width > 0 ? (x - from) / width : 0.0; };
}
}  // namespace detail

// An image [3, H, W] or [1, H, W] with a map laid over it: black where the map is smallest, over red and yellow to
// white where it is largest. Image and map are stretched from their smallest to their largest value, so that an image
// may be normalised in any way. opacity: the share of the map's colour, from 0 to 1.
template <class S, class T>
Image overlay(const View<S, T>& image, const Grid& map, double opacity = 0.6) {
  static_assert(S::rank == 3 && (S::dims[0] == 1 || S::dims[0] == 3), "overlay: an image is [3, H, W] or [1, H, W]");
  constexpr std::size_t C = S::dims[0], H = S::dims[1], W = S::dims[2];
  const Grid fine = upsampled(map, H, W);
  const auto heat_of = detail::stretch_of(fine.values);
  const auto light_of = detail::stretch_of(image);
  Image result{H, W, std::vector<std::uint8_t>(3 * H * W)};
  for (std::size_t i = 0; i < H * W; ++i) {
    const double heat = heat_of(fine.values[i]);
    for (std::size_t c = 0; c < 3; ++c) {
      const double light = light_of(static_cast<double>(image.data()[(C == 1 ? 0 : c) * H * W + i]));
      const double colour = std::clamp(3 * heat - static_cast<double>(c), 0.0, 1.0);
      const double mixed = (1 - opacity) * light + opacity * colour;
      result.pixels[3 * i + c] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(mixed, 0.0, 1.0)));
    }
  }
  return result;
}

}  // namespace vitrail::inline VITRAIL_TU
