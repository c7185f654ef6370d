// resize.hpp - pictures of another size, equal to Pillow's to the bit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../error.hpp"
#include "../io/image.hpp"
#include "../tensor/resampling.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Pillow's weights for 8-bit pixels: 22 bits after the point, so that a sum of products with 8 bits fits 32.
inline constexpr int fixed_point_bits = 22;
inline std::vector<std::int32_t> fixed_point(const std::vector<double>& weights) {
  std::vector<std::int32_t> fixed(weights.size());
  std::transform(weights.begin(), weights.end(), fixed.begin(), [](double w) {
    return static_cast<std::int32_t>((w < 0 ? -0.5 : 0.5) + w * (1 << fixed_point_bits));
  });
  return fixed;
}
// Resamples the middle axis of [before, n, after] to [before, w.outputs, after].
inline std::vector<std::uint8_t> resample_axis(const std::vector<std::uint8_t>& from, std::size_t before, std::size_t n,
                                               std::size_t after, const ResamplingWeights& w) {
  const std::vector<std::int32_t> fixed = fixed_point(w.weights);
  std::vector<std::uint8_t> to(before * w.outputs * after);
  std::vector<std::int32_t> sums(after);
  for (std::size_t b = 0; b < before; ++b) {
    for (std::size_t i = 0; i < w.outputs; ++i) {
      sums.assign(after, 1 << (fixed_point_bits - 1));
      for (std::size_t j = 0; j < w.count[i]; ++j) {
        const std::int32_t weight = fixed[i * w.most + j];
        const std::uint8_t* source = from.data() + (b * n + w.begin[i] + j) * after;
        for (std::size_t c = 0; c < after; ++c) sums[c] += weight * source[c];
      }
      std::uint8_t* target = to.data() + (b * w.outputs + i) * after;
      for (std::size_t c = 0; c < after; ++c)
        target[c] = static_cast<std::uint8_t>(std::clamp(sums[c] >> fixed_point_bits, 0, 255));
    }
  }
  return to;
}

}  // namespace detail

// `image` resampled to height x width, with antialiasing: PIL.Image.resize of Pillow 13. Between the passes pixels are
// rounded to 8 bits, as there, so it matters which comes first: the columns, unless the height shrinks by more than
// twice what the width does (older versions of Pillow: always the columns). Throws shape_error if a side is 0.
inline Image resize(const Image& image, std::size_t height, std::size_t width, resampling filter) {
  if (image.pixels.size() != image.height * image.width * 3)
    throw shape_error("resize: expected " + std::to_string(image.height * image.width * 3) + " bytes, found " +
                      std::to_string(image.pixels.size()));
  Image result = image;
  const auto columns = [&] {
    if (width == result.width) return;
    const auto weights = resampling_weights(result.width, width, filter);
    result.pixels = detail::resample_axis(result.pixels, result.height, result.width, 3, weights);
    result.width = width;
  };
  const auto rows = [&] {
    if (height == result.height) return;
    const auto weights = resampling_weights(result.height, height, filter);
    result.pixels = detail::resample_axis(result.pixels, 1, result.height, result.width * 3, weights);
    result.height = height;
  };
  const bool rows_first = height < image.height && image.height - height + 2 * width > 2 * image.width;
  if (rows_first) rows();
  columns();
  rows();
  return result;
}
// The shorter side becomes `size`, the longer one follows, rounded down: torchvision's Resize(size).
inline Image resize_shorter_side(const Image& image, std::size_t size, resampling filter) {
  const std::size_t shorter = std::min(image.height, image.width), longer = std::max(image.height, image.width);
  if (shorter == 0) throw shape_error("resize_shorter_side: expected an image, found one without pixels");
  const std::size_t other = size * longer / shorter;
  return image.height < image.width ? resize(image, size, other, filter) : resize(image, other, size, filter);
}
// The middle of a picture: torchvision's CenterCrop, whose halves of a pixel are rounded to even. Throws shape_error if
// the image is smaller.
inline Image center_crop(const Image& image, std::size_t height, std::size_t width) {
  if (image.height < height || image.width < width)
    throw shape_error("center_crop: expected an image of at least " + std::to_string(height) + " x " +
                      std::to_string(width) + ", found " + std::to_string(image.height) + " x " +
                      std::to_string(image.width));
  const auto start = [](std::size_t whole, std::size_t part) {
    const std::size_t twice = whole - part, half = twice / 2;
    return half + (twice % 2 != 0 && half % 2 != 0);
  };
  const std::size_t top = start(image.height, height), left = start(image.width, width);
  Image result{height, width, {}};
  result.pixels.reserve(height * width * 3);
  for (std::size_t y = 0; y < height; ++y) {
    const auto row = image.pixels.begin() + static_cast<std::ptrdiff_t>(((top + y) * image.width + left) * 3);
    result.pixels.insert(result.pixels.end(), row, row + static_cast<std::ptrdiff_t>(width * 3));
  }
  return result;
}

}  // namespace vitrail::inline VITRAIL_TU
