// cases_conv.hpp - registry: convolutions, pooling, and the norms of channels.
#pragma once

#include <vitrail/expr/expression.hpp>
#include <vitrail/ops/batch_norm2d.hpp>
#include <vitrail/ops/conv2d.hpp>
#include <vitrail/ops/group_norm.hpp>
#include <vitrail/ops/pool2d.hpp>

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
            const std::size_t row = i / across * stride + k / columns % rows,
                              column = i % across * stride + k % columns;
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

// More shapes are in tests/backend/convolution.cpp, where they cost nothing to compile.
template <class F>
void conv_cases(const F& run) {
  using Config = vt::Conv2dConfig;
  conv_case<Config{.padding = 1}, 3, 9, 7, 5, 3, 3>(run, "conv2d 3x3");
  conv_case<Config{.stride = 2, .padding = 1, .groups = 2}, 4, 8, 11, 18, 3, 3>(run, "conv2d in two groups, stride 2");
  conv_case<Config{.stride = 3}, 2, 10, 17, 3, 1, 2>(run, "conv2d 1x2, stride 3");
  run(op_case(
      "conv2d without bias", {40}, [](auto, auto x, auto w) { return vt::conv2d(x, w); }, NaiveConv{19, 3, 8, 7, 1, 1},
      each<19, 3, 8>(), once<7, 19, 1, 1>()));
}

// The largest value or the mean of each window of planes [H, W].
inline Reference naive_pool(std::size_t height, std::size_t width, const vt::Pool2dConfig& config, bool max) {
  return [=](const Problem& p) {
    const std::size_t stride = config.stride ? config.stride : config.kernel;
    Values y;
    for (std::size_t plane = 0; plane < p.inputs[0].size(); plane += height * width)
      for (std::size_t i = 0; i * stride + config.kernel <= height + 2 * config.padding; ++i)
        for (std::size_t j = 0; j * stride + config.kernel <= width + 2 * config.padding; ++j) {
          double largest = -1e300, sum = 0;
          for (std::size_t k = 0; k < config.kernel * config.kernel; ++k) {
            const std::size_t row = i * stride + k / config.kernel, column = j * stride + k % config.kernel;
            if (row < config.padding || row >= height + config.padding) continue;
            if (column < config.padding || column >= width + config.padding) continue;
            const double x = p.inputs[0][plane + (row - config.padding) * width + column - config.padding];
            largest = std::max(largest, x), sum += x;
          }
          y.push_back(max ? largest : sum / static_cast<double>(config.kernel * config.kernel));
        }
    return y;
  };
}
template <class F>
void pool_cases(const F& run) {
  using Config = vt::Pool2dConfig;
  run(op_case(
      "max_pool2d", {0}, [](auto, auto x) { return vt::max_pool2d(x); }, naive_pool(7, 6, {}, true),
      each<3, 7, 6>({-50, 50})));
  run(op_case(
      "max_pool2d 3, stride 2, padding 1", {1},
      [](auto, auto x) { return vt::max_pool2d<Config{.kernel = 3, .stride = 2, .padding = 1}>(x); },
      naive_pool(5, 8, {.kernel = 3, .stride = 2, .padding = 1}, true), each<2, 5, 8>({-50, 50})));
  run(op_case(
      "avg_pool2d 3, stride 2, padding 1", {8},
      [](auto, auto x) { return vt::avg_pool2d<Config{.kernel = 3, .stride = 2, .padding = 1}>(x); },
      naive_pool(5, 8, {.kernel = 3, .stride = 2, .padding = 1}, false), each<2, 5, 8>()));
  run(op_case(
      "global_avg_pool", {8}, [](auto, auto x) { return vt::global_avg_pool(x); },
      [](const Problem& p) {
        Values y(p.inputs[0].size() / 12);
        for (std::size_t i = 0; i < p.inputs[0].size(); ++i) y[i / 12] += p.inputs[0][i] / 12;
        return y;
      },
      each<3, 4, 3>()));
}

// By the statistics of `samples` samples (0: of all) and `own` channels at a time, or by given ones.
struct NaiveNorm {
  std::size_t channels, positions, samples, own;
  Values mean = {}, variance = {};
  Values operator()(const Problem& p) const {
    const Values& x = p.inputs[0];
    const std::size_t together = samples ? samples : p.count, groups = channels / own;
    Values y(x.size());
    for (std::size_t s0 = 0; s0 < p.count; s0 += together)
      for (std::size_t group = 0; group < groups; ++group) {
        const auto each_value = [&](auto&& f) {
          for (std::size_t s = s0; s < s0 + together; ++s)
            for (std::size_t k = 0; k < own * positions; ++k)
              f((s * channels + group * own) * positions + k, group * own + k / positions);
        };
        const auto n = static_cast<double>(together * own * positions);
        double centre = mean.empty() ? 0 : mean[group], squares = mean.empty() ? 0 : variance[group];
        if (mean.empty()) {
          each_value([&](std::size_t i, std::size_t) { centre += x[i] / n; });
          each_value([&](std::size_t i, std::size_t) { squares += (x[i] - centre) * (x[i] - centre) / n; });
        }
        each_value([&](std::size_t i, std::size_t c) {
          y[i] = (x[i] - centre) / std::sqrt(squares + 1e-5) * p.inputs[1][c] + p.inputs[2][c];
        });
      }
    return y;
  }
};
// The running statistics of three channels.
template <class T>
inline constexpr T running_mean[] = {T(0.25), T(-0.5), T(1)};
template <class T>
inline constexpr T running_variance[] = {T(0.5), T(2), T(0.125)};

template <class F>
void channel_norm_cases(const F& run) {
  run(op_case(
      "batch_norm2d", {30}, [](auto, auto x, auto w, auto b) { return vt::batch_norm2d(x, w, b); },
      NaiveNorm{3, 20, 0, 1}, each<3, 4, 5>({-1, 3}), once<3>(), once<3>()));
  run(op_case(
      "batch_norm2d by running statistics", {30},
      [](auto, auto x, auto w, auto b) {
        using T = typename decltype(x)::value;
        using Statistic = vt::RunningStatistic<vt::Shape<3>, T, void>;
        return vt::detail::batch_norm2d_by(x, w, b, Statistic{running_mean<T>}, Statistic{running_variance<T>}, {});
      },
      NaiveNorm{3, 20, 0, 1, {0.25, -0.5, 1}, {0.5, 2, 0.125}}, each<3, 4, 5>(), once<3>(), once<3>()));
  run(op_case(
      "group_norm", {30}, [](auto, auto x, auto w, auto b) { return vt::group_norm<2>(x, w, b); },
      NaiveNorm{6, 20, 1, 3}, each<6, 4, 5>({-1, 3}), once<6>(), once<6>()));
}

}  // namespace registry
