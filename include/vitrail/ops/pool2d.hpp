// pool2d.hpp - the largest value or the mean of square windows of each channel. torch.nn.functional.max_pool2d and
// avg_pool2d (its defaults: padding counts as zeros). Over the whole plane: global_avg_pool.
#pragma once

#include <array>
#include <cstddef>

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

// Where the first largest value of a window is: its number in the plane. NaN is larger than all, as in PyTorch.
template <class T>
VITRAIL_FUNCTION std::size_t largest_of(const Pool2d& g, const T* plane, std::size_t window) {
  const std::size_t top = window / g.across * g.stride, left = window % g.across * g.stride;
  std::size_t best = g.height * g.width;
  for (std::size_t s = 0; s < g.kernel; ++s) {
    const std::size_t y = top + s - g.padding;  // wraps round above the plane
    for (std::size_t t = 0; y < g.height && t < g.kernel; ++t) {
      const std::size_t x = left + t - g.padding, at = y * g.width + x;
      if (x >= g.width) continue;
      if (best == g.height * g.width || plane[at] > plane[best] ||
          (plane[at] != plane[at] && plane[best] == plane[best]))
        best = at;
    }
  }
  return best;
}
// Calls f(window) for every window that element (y, x) of a plane is in.
template <class F>
VITRAIL_FUNCTION void each_window(const Pool2d& g, std::size_t element, const F& f) {
  const std::size_t y = element / g.width + g.padding, x = element % g.width + g.padding;
  const std::size_t first_row = y < g.kernel ? 0 : (y - g.kernel) / g.stride + 1;
  const std::size_t first_column = x < g.kernel ? 0 : (x - g.kernel) / g.stride + 1;
  for (std::size_t i = first_row; i < g.down && i * g.stride <= y; ++i)
    for (std::size_t j = first_column; j < g.across && j * g.stride <= x; ++j) f(i * g.across + j);
}

// A program row is one channel of one sample, in all of these. `places`, if there, are those of the largest values, as
// numbers of T: exact up to 2^24 elements of a plane.
template <class T>
struct MaxPool {
  using value = T;
  static constexpr bool is_minor = true;
  Pool2d g;
  const T* from;
  T *to, *places;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t windows = g.down * g.across;
    const T* plane = from + r * g.height * g.width;
    row.each(windows, [&](auto j) VITRAIL_LAMBDA {
      put_each<L>(to + r * windows, j, false, [&](std::size_t w) VITRAIL_LAMBDA {
        const std::size_t best = largest_of(g, plane, w);
        if (places) places[r * windows + w] = static_cast<T>(best);
        return plane[best];
      });
    });
  }
};
template <class T>
struct MaxPoolBackward {
  using value = T;
  static constexpr bool is_minor = true;
  Pool2d g;
  const T *places, *dy;
  T* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t plane = g.height * g.width, first = r * g.down * g.across;
    row.each(plane, [&](auto j) VITRAIL_LAMBDA {
      put_each<L>(dx + r * plane, j, adds, [&](std::size_t e) VITRAIL_LAMBDA {
        T sum = 0;
        each_window(g, e, [&](std::size_t w) VITRAIL_LAMBDA {
          if (places[first + w] == static_cast<T>(e)) sum += dy[first + w];
        });
        return sum;
      });
    });
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
    const std::size_t windows = g.down * g.across;
    const T* plane = from + r * g.height * g.width;
    row.each(windows, [&](auto j) VITRAIL_LAMBDA {
      put_each<L>(to + r * windows, j, false, [&](std::size_t w) VITRAIL_LAMBDA {
        T sum = 0;
        for (std::size_t s = 0; s < g.kernel; ++s) {
          const std::size_t y = w / g.across * g.stride + s - g.padding;
          for (std::size_t t = 0; y < g.height && t < g.kernel; ++t) {
            const std::size_t x = w % g.across * g.stride + t - g.padding;
            if (x < g.width) sum += plane[y * g.width + x];
          }
        }
        return sum / static_cast<T>(g.kernel * g.kernel);
      });
    });
  }
};
template <class T>
struct AvgPoolBackward {
  using value = T;
  static constexpr bool is_minor = true;
  Pool2d g;
  const T* dy;
  T* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t plane = g.height * g.width, first = r * g.down * g.across;
    row.each(plane, [&](auto j) VITRAIL_LAMBDA {
      put_each<L>(dx + r * plane, j, adds, [&](std::size_t e) VITRAIL_LAMBDA {
        T sum = 0;
        each_window(g, e, [&](std::size_t w) VITRAIL_LAMBDA { sum += dy[first + w]; });
        return sum / static_cast<T>(g.kernel * g.kernel);
      });
    });
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
    if constexpr (Max) {
      a.backend->rows(a.count * C, H * W,
                      detail::MaxPoolBackward<T>{windows(), a.state.per_sample, a.out_gradient, to.at, to.adds()});
    } else {
      a.backend->rows(a.count * C, H * W, detail::AvgPoolBackward<T>{windows(), a.out_gradient, to.at, to.adds()});
    }
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
