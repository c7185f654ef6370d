// image_set.hpp - labelled images in memory, one byte a pixel and channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// `pixels` are [count, channels, height, width] in 0 ... 255, `labels` are [count] in 0 ... classes - 1.
struct ImageSet {
  std::size_t channels = 0, height = 0, width = 0, classes = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;

  // The number of images.
  std::size_t size() const { return labels.size(); }
};

// The two parts of a data set.
struct TrainAndTest {
  ImageSet train, test;
};

}  // namespace vitrail::inline VITRAIL_TU
