// cases_conv.hpp - registry: convolutions, pooling, and the norms of channels.
#pragma once

#include <vitrail/expr/expression.hpp>
#include <vitrail/ops/conv2d.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

// The definition, tap by tap. Extents of x, of the kernel, output channels.
struct NaiveConv {
  std::size_t channels, height, width, out, rows, columns, stride = 1, padding = 0, groups = 1;
  Values operator()(const Problem& p) const {
    const std::size_t down = (height + 2 * padding - rows) / stride + 1;
    const std::size_t across = (width + 2 * padding - columns) / stride + 1, own = channels / groups;
    Values y;
    for (std::size_t s = 0; s < p.count; ++s)
      for (std::size_t o = 0; o < out; ++o)
        for (std::size_t i = 0; i < down * across; ++i) {
          double sum = p.inputs.size() > 2 ? p.inputs[2][o] : 0;
          for (std::size_t k = 0; k < own * rows * columns; ++k) {
            const std::size_t c = o / (out / groups) * own + k / (rows * columns);
            const std::size_t row = i / across * stride + k / columns % rows, column = i % across * stride + k % columns;
            if (row < padding || row >= height + padding || column < padding || column >= width + padding) continue;
            sum += p.inputs[1][o * own * rows * columns + k] *
                   p.inputs[0][((s * channels + c) * height + row - padding) * width + column - padding];
          }
          y.push_back(sum);
        }
    return y;
  }
};
// A case of x [C, H, W] and a kernel [O, C / groups, R, T].
template <vt::Conv2dConfig Config, std::size_t C, std::size_t H, std::size_t W, std::size_t O, std::size_t R,
          std::size_t T, class F>
void conv_case(const F& run, const char* name) {
  const NaiveConv naive{C, H, W, O, R, T, Config.stride, Config.padding, Config.groups};
  run(op_case(
      name, {40}, [](auto, auto x, auto w, auto b) { return vt::conv2d<Config>(x, w, b); }, naive, each<C, H, W>(),
      once<O, C / Config.groups, R, T>(), once<O>()));
}

template <class F>
void conv_cases(const F& run) {
  using Config = vt::Conv2dConfig;
  conv_case<Config{.padding = 1}, 3, 9, 7, 5, 3, 3>(run, "conv2d 3x3");
  conv_case<Config{.stride = 2, .padding = 1}, 4, 8, 11, 18, 3, 3>(run, "conv2d 3x3, stride 2");
  conv_case<Config{}, 19, 3, 23, 7, 1, 1>(run, "conv2d 1x1");
  conv_case<Config{.stride = 2}, 5, 7, 6, 6, 1, 1>(run, "conv2d 1x1, stride 2");
  conv_case<Config{.stride = 3, .padding = 2}, 2, 10, 17, 3, 4, 2>(run, "conv2d 4x2, stride 3");
  conv_case<Config{.padding = 1, .groups = 2}, 6, 5, 6, 4, 3, 3>(run, "conv2d in two groups");
}

}  // namespace registry
