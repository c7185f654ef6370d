// preprocess.hpp - a picture as a model was trained to see it: timm's transform for evaluation.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "../io/image.hpp"
#include "../tensor/tensor.hpp"
#include "resize.hpp"

namespace vitrail::inline VITRAIL_TU {

// The shorter side becomes size / crop, rounded down; of that the middle, size x size; then, by channel,
// (pixel / 255 - mean) / deviation.
struct Preprocess {
  std::size_t size = 224;
  double crop = 0.9;
  resampling filter = resampling::bicubic;
  std::array<double, 3> mean{0.5, 0.5, 0.5}, deviation{0.5, 0.5, 0.5};

  // With the pixel statistics of another training: `vt::preprocess_of<vt::ViT_Ti16<>>.with(vt::imagenet_pixels)` is
  // DeiT's.
  template <class Statistics>
  constexpr Preprocess with(const Statistics& statistics) const {
    Preprocess other = *this;
    other.mean = statistics.mean;
    other.deviation = statistics.deviation;
    return other;
  }
};

namespace detail {
template <class M>
constexpr auto pixels_of() {
  if constexpr (requires { M::pixels; }) {
    return M::pixels;
  } else {
    return decltype(M::backbone)::pixels;
  }
}
}  // namespace detail

// What the variant M (a model or its backbone) was trained with, by timm's configurations: the size of its input, and
// its pixels' statistics.
template <class M>
inline constexpr Preprocess preprocess_of = Preprocess{.size = M::input::dims[1]}.with(detail::pixels_of<M>());

// The part of the image that the model sees, [size, size, 3], in its resolution.
inline Image cropped(const Image& image, const Preprocess& how) {
  const auto shorter = static_cast<std::size_t>(std::floor(static_cast<double>(how.size) / how.crop));
  return center_crop(resize_shorter_side(image, shorter, how.filter), how.size, how.size);
}

// Writes an image as [3, size, size] to `to`. Throws shape_error unless that is as long.
template <class T>
void preprocess(const Image& image, const Preprocess& how, std::span<T> to) {
  detail::check_size("preprocess", to.size(), 3 * how.size * how.size);
  const Image seen = cropped(image, how);
  const std::size_t area = how.size * how.size;
  for (std::size_t c = 0; c < 3; ++c) {
    T table[256];
    for (std::size_t v = 0; v < 256; ++v)
      table[v] = static_cast<T>((static_cast<double>(v) / 255.0 - how.mean[c]) / how.deviation[c]);
    for (std::size_t i = 0; i < area; ++i) to[c * area + i] = table[seen.pixels[3 * i + c]];
  }
}
// The same for several images, as a batch for a model whose input is S = Shape<3, size, size>.
template <class S, class P = cpu>
requires requires { S::dims; }
Batch<S, P> preprocess(std::span<const Image> images, const Preprocess& how) {
  Batch<S, P> batch(images.size());
  for (std::size_t b = 0; b < images.size(); ++b) preprocess(images[b], how, std::span(batch[b].data(), S::size));
  return batch;
}
// One image or several as the model M takes them: `vt::predict(model, vt::preprocess<M>(image))`.
template <class M>
requires requires { typename M::input; }
auto preprocess(std::span<const Image> images, const Preprocess& how = preprocess_of<M>) {
  return preprocess<typename M::input, typename M::policy>(images, how);
}
template <class M>
requires requires { typename M::input; }
auto preprocess(const Image& image, const Preprocess& how = preprocess_of<M>) {
  return preprocess<M>(std::span(&image, 1), how);
}

}  // namespace vitrail::inline VITRAIL_TU
