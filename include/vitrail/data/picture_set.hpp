// picture_set.hpp - pictures of any size as an image set of a model's, and image sets of another model's size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "../config.hpp"
#include "../error.hpp"
#include "image_set.hpp"
#include "preprocess.hpp"

namespace vitrail::inline VITRAIL_TU {

// Three equal channels: ITU-R BT.601, in Pillow's integers.
inline Image to_grey(Image image) {
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    std::uint8_t* p = image.pixels.data() + i;
    p[0] = p[1] = p[2] = static_cast<std::uint8_t>((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16);
  }
  return image;
}

// Appends what `preprocess` sees of the picture, before pixels become numbers: resized and cropped to how.size, in grey
// if the set has one channel. Throws shape_error unless the set is of that size and of 1 or 3 channels.
inline void append_picture(ImageSet& set, const Image& image, std::int32_t label, const Preprocess& how) {
  if (set.height != how.size || set.width != how.size || (set.channels != 1 && set.channels != 3))
    throw shape_error("append_picture: expected a set of [1 or 3, " + std::to_string(how.size) + ", " +
                      std::to_string(how.size) + "], found [" + std::to_string(set.channels) + ", " +
                      std::to_string(set.height) + ", " + std::to_string(set.width) + "]");
  const Image seen = set.channels == 1 ? to_grey(cropped(image, how)) : cropped(image, how);
  for (std::size_t c = 0; c < set.channels; ++c) {
    for (std::size_t i = c; i < seen.pixels.size(); i += 3) set.pixels.push_back(seen.pixels[i]);
  }
  set.labels.push_back(label);
}

// Image i of a set of 1 or 3 channels as a picture; grey becomes three equal ones.
inline Image picture_of(const ImageSet& set, std::size_t i) {
  const std::size_t area = set.height * set.width;
  Image image{set.height, set.width, std::vector<std::uint8_t>(3 * area)};
  for (std::size_t k = 0; k < area; ++k) {
    for (std::size_t c = 0; c < 3; ++c)
      image.pixels[3 * k + c] = set.pixels[(i * set.channels + (set.channels == 3 ? c : 0)) * area + k];
  }
  return image;
}
// The whole set for a model that takes [channels, how.size, how.size].
inline ImageSet fitted(const ImageSet& set, const Preprocess& how, std::size_t channels) {
  ImageSet result{channels, how.size, how.size, set.classes, {}, {}};
  for (std::size_t i = 0; i < set.size(); ++i) append_picture(result, picture_of(set, i), set.labels[i], how);
  return result;
}

}  // namespace vitrail::inline VITRAIL_TU
