// convolution.hpp - the arguments of two-dimensional convolutions, the same for every backend. T is float or double.
#pragma once

#include <cstddef>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// y[o, i, j] = bias[o] + the sum over the channels c of o's group and the taps (s, t) of
//   weight[o, c, s, t] * x[c, i * stride + s - padding, j * stride + t - padding],
// x being 0 outside, for `count` samples; and the gradients of x and weight from that of y. x [count, channels, height,
// width], weight [out_channels, channels / groups, kernel_height, kernel_width], y [count, out_channels, out_height,
// out_width], all row-major. `work` is the workspace that the kernel asks for, not initialised.
template <class T>
struct Convolution {
  std::size_t count = 0, groups = 1;
  std::size_t channels = 0, height = 0, width = 0;
  std::size_t out_channels = 0, out_height = 0, out_width = 0;
  std::size_t kernel_height = 0, kernel_width = 0, stride = 1, padding = 0;
  const T* x = nullptr;
  const T* weight = nullptr;
  const T* bias = nullptr;  // [out_channels], or null
  T* y = nullptr;
  const T* dy = nullptr;
  T* dx = nullptr;  // written, or added to with add_x
  bool add_x = false;
  T* dw = nullptr;
  bool add_w = false;
  T* work = nullptr;

  constexpr std::size_t taps() const { return kernel_height * kernel_width; }
  constexpr std::size_t positions() const { return out_height * out_width; }
  // Of one group: channels, output channels, and the terms of the sum.
  constexpr std::size_t group_in() const { return channels / groups; }
  constexpr std::size_t group_out() const { return out_channels / groups; }
  constexpr std::size_t depth() const { return group_in() * taps(); }
};

}  // namespace vitrail::inline VITRAIL_TU
