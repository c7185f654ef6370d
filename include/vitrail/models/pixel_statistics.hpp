// pixel_statistics.hpp - with which mean and deviation of pixels a variant was trained.
#pragma once

#include <array>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// The model sees (pixel / 255 - mean) / deviation, by channel: red, green, blue.
struct PixelStatistics {
  std::array<double, 3> mean, deviation;
  bool operator==(const PixelStatistics&) const = default;
};
// Google's ViTs, AugReg among them, which are timm's default weights: values in -1 ... 1.
inline constexpr PixelStatistics half_pixels{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
// DeiT, Swin, CNNs, and all of torchvision.
inline constexpr PixelStatistics imagenet_pixels{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};

}  // namespace vitrail::inline VITRAIL_TU
