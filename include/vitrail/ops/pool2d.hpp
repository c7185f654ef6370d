// pool2d.hpp - the largest value or the mean of square windows of each channel. torch.nn.functional.max_pool2d and
// avg_pool2d (its defaults: padding counts as zeros). Over the whole plane: global_avg_pool.
#pragma once

#include <array>
#include <cstddef>
#include <limits>

#include "../autodiff/driver.hpp"
#include "../expr/evaluate.hpp"
#include "reduce.hpp"
#include "window_programs.hpp"

namespace vitrail::inline VITRAIL_TU {

// Windows of kernel x kernel, `stride` apart; a stride of 0 is that of the kernel.
struct Pool2dConfig {
  std::size_t kernel = 2, stride = 0, padding = 0;
};

namespace detail {

// The windows of planes [height, width].
struct Pool2d {
  std::size_t height, width, down, across, kernel, stride, padding;
};

// Calls f(tap, place) for the taps of window (i, j) that are no padding, with their numbers in the plane. No divisions:
// they would take longer than everything else.
template <class F>
VITRAIL_FUNCTION void each_tap(const Pool2d& g, std::size_t i, std::size_t j, const F& f) {
  for (std::size_t s = 0; s < g.kernel; ++s) {
    const std::size_t y = i * g.stride + s - g.padding;  // wraps round above the plane
    for (std::size_t t = 0; y < g.height && t < g.kernel; ++t) {
      const std::size_t x = j * g.stride + t - g.padding;
      if (x < g.width) f(s * g.kernel + t, y * g.width + x);
    }
  }
}
// Calls f(window, tap) for every window that element (y, x) of a plane is in, and the tap that it is there.
template <class F>
VITRAIL_FUNCTION void each_window(const Pool2d& g, std::size_t y, std::size_t x, const F& f) {
  y += g.padding, x += g.padding;
  const std::size_t first_row = y < g.kernel ? 0 : (y - g.kernel) / g.stride + 1;
  const std::size_t first_column = x < g.kernel ? 0 : (x - g.kernel) / g.stride + 1;
  for (std::size_t i = first_row; i < g.down && i * g.stride <= y; ++i)
    for (std::size_t j = first_column; j < g.across && j * g.stride <= x; ++j)
      f(i * g.across + j, (y - i * g.stride) * g.kernel + x - j * g.stride);
}

// A program row is one channel of one sample, in all of these. `taps`, if there, are those of the largest values, as
// numbers of T; the first of several, and NaN is larger than all, as in PyTorch.
template <class T>
struct MaxPool {
  using value = T;
  static constexpr bool is_minor = true;
  Pool2d g;
  const T* from;
  T *to, *taps;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* plane = from + r * g.height * g.width;
    for (std::size_t i = 0; i < g.down; ++i) {
      const std::size_t first = (r * g.down + i) * g.across;
      row.each(g.across, [&](auto part) VITRAIL_LAMBDA {
        put_each<L>(to + first, part, false, [&](std::size_t j) VITRAIL_LAMBDA {
          T top = -std::numeric_limits<T>::infinity();
          std::size_t best = g.kernel * g.kernel;
          each_tap(g, i, j, [&](std::size_t tap, std::size_t at) VITRAIL_LAMBDA {
            const T x = plane[at];
            if (x > top || best == g.kernel * g.kernel || (x != x && top == top)) top = x, best = tap;
          });
          if (taps) taps[first + j] = static_cast<T>(best);
          return top;
        });
      });
    }
  }
};
template <class T>
struct AvgPool {
  using value = T;
  static constexpr bool is_minor = true;
  Pool2d g;
  const T* from;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* plane = from + r * g.height * g.width;
    for (std::size_t i = 0; i < g.down; ++i) {
      row.each(g.across, [&](auto part) VITRAIL_LAMBDA {
        put_each<L>(to + (r * g.down + i) * g.across, part, false, [&](std::size_t j) VITRAIL_LAMBDA {
          T sum = 0;
          each_tap(g, i, j, [&](std::size_t, std::size_t at) VITRAIL_LAMBDA { sum += plane[at]; });
          return sum / static_cast<T>(g.kernel * g.kernel);
        });
      });
    }
  }
};
// The gradients that each element gets from its windows: of the largest value's tap, or, without `taps`, a share of
// each.
template <class T>
struct PoolBackward {
  using value = T;
  static constexpr bool is_minor = true;
  Pool2d g;
  const T *taps, *dy;
  T* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t first = r * g.down * g.across;
    const T share = taps ? T(1) : T(1) / static_cast<T>(g.kernel * g.kernel);
    for (std::size_t y = 0; y < g.height; ++y) {
      row.each(g.width, [&](auto part) VITRAIL_LAMBDA {
        put_each<L>(dx + (r * g.height + y) * g.width, part, adds, [&](std::size_t x) VITRAIL_LAMBDA {
          T sum = 0;
          each_window(g, y, x, [&](std::size_t w, std::size_t tap) VITRAIL_LAMBDA {
            if (!taps || taps[first + w] == static_cast<T>(tap)) sum += dy[first + w];
          });
          return sum * share;
        });
      });
    }
  }
};

}  // namespace detail

// Input: x [C, H, W].
template <class S, std::size_t Kernel, std::size_t Stride, std::size_t Padding, bool Max>
struct Pool2dOp {
  static constexpr std::size_t C = S::dims[0], H = S::dims[1], W = S::dims[2];
  static constexpr std::size_t down = (H + 2 * Padding - Kernel) / Stride + 1;
  static constexpr std::size_t across = (W + 2 * Padding - Kernel) / Stride + 1;
  using shape = Shape<C, down, across>;
  static constexpr const char* name = Max ? "max_pool2d" : "avg_pool2d";

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.flops = shape::size * Kernel * Kernel;
    f.backward_flops = tracked[0] ? f.flops : 0;
    f.state.per_sample = Max && tracked[0] ? shape::size : 0;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const std::size_t width = down * across * Kernel * Kernel;
    if constexpr (Max) {
      a.backend->rows(a.count * C, width, detail::MaxPool<T>{windows(), a.in[0], a.out, a.state.per_sample});
    } else {
      a.backend->rows(a.count * C, width, detail::AvgPool<T>{windows(), a.in[0], a.out});
    }
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const auto& to = a.gradient[0];
    if (!to.wanted()) return;
    a.backend->rows(a.count * C, H * W,
                    detail::PoolBackward<T>{windows(), a.state.per_sample, a.out_gradient, to.at, to.adds()});
  }

 private:
  static detail::Pool2d windows() { return {H, W, down, across, Kernel, Stride, Padding}; }
};

template <std::size_t Rank>
struct error_pool2d_input_is_not_of_rank_3;
template <std::size_t Padding, std::size_t Kernel>
struct error_pool2d_padding_is_more_than_half_of_the_kernel;
template <std::size_t Kernel, std::size_t Extent>
struct error_pool2d_kernel_is_larger_than_the_padded_input;

namespace detail {
template <bool Max, std::size_t Kernel, std::size_t Stride, std::size_t Padding, class X>
constexpr auto pool2d(const X& x) {
  using S = typename X::shape;
  if constexpr (S::rank != 3) {
    return refuse<error_pool2d_input_is_not_of_rank_3<S::rank>>(x);
  } else if constexpr (Kernel == 0 || 2 * Padding > Kernel) {  // a window must not be in the padding alone
    return refuse<error_pool2d_padding_is_more_than_half_of_the_kernel<Padding, Kernel>>(x);
  } else if constexpr (S::dims[1] + 2 * Padding < Kernel || S::dims[2] + 2 * Padding < Kernel) {
    constexpr std::size_t extent = S::dims[1] < S::dims[2] ? S::dims[1] : S::dims[2];
    return refuse<error_pool2d_kernel_is_larger_than_the_padded_input<Kernel, extent + 2 * Padding>>(x);
  } else {
    return apply(Pool2dOp < S, Kernel, Stride == 0 ? Kernel : Stride, Padding, Max > {}, x);
  }
}
}  // namespace detail

// x [C, H, W] -> [C, (H + 2 padding - kernel) / stride + 1, ...], divisions rounded down; the gradient goes to the
// first of several largest values: vt::max_pool2d<vt::Pool2dConfig{.kernel = 3, .stride = 2, .padding = 1}>(x).
template <Pool2dConfig Config = Pool2dConfig{}, class X>
constexpr auto max_pool2d(X&& x) {
  return detail::pool2d<true, Config.kernel, Config.stride, Config.padding>(evaluate(static_cast<X&&>(x)));
}
// The same with means over kernel x kernel values, those of the padding included.
template <Pool2dConfig Config = Pool2dConfig{}, class X>
constexpr auto avg_pool2d(X&& x) {
  return detail::pool2d<false, Config.kernel, Config.stride, Config.padding>(evaluate(static_cast<X&&>(x)));
}
// The mean of each channel: x [C, H, W] -> [C]. torch.nn.AdaptiveAvgPool2d(1), flattened.
template <class X>
constexpr auto global_avg_pool(X&& x) {
  return mean<-2, -1>(static_cast<X&&>(x));
}

}  // namespace vitrail::inline VITRAIL_TU
