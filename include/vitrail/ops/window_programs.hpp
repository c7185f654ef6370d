// window_programs.hpp - the programs of a convolution on a backend that has products only: im2col, its transpose, and
// what is done for each channel.
#pragma once

#include <cstddef>

#include "../backend/convolution.hpp"
#include "../backend/strided.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// to[j] (= | +=) of(j) for each element of a part of a row: what does not lie in neighbouring memory.
template <class L, class J, class F>
VITRAIL_FUNCTION void put_each(typename lanes<L>::value* to, J j, bool adds, const F& of) {
  typename lanes<L>::value parts[lanes<L>::width] = {};
  for (std::size_t i = 0; i < elements_of<L>(j); ++i) parts[i] = of(j.at + i);
  put<L>(to, j, load<L>(parts), adds);
}

// The matrix [channels * taps, positions] of each sample; a program row is one of its rows.
template <class T>
struct GatherWindows {
  using value = T;
  static constexpr bool is_minor = true;
  Convolution<T> g;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t s = r % g.taps() / g.kernel_width, t = r % g.kernel_width;
    const T* from = g.x + r / g.taps() * g.height * g.width;
    row.each(g.positions(), [&](auto j) VITRAIL_LAMBDA {
      put_each<L>(to + r * g.positions(), j, false, [&](std::size_t p) VITRAIL_LAMBDA {
        // Above or left of the input the difference wraps round and is larger than any extent.
        const std::size_t y = p / g.out_width * g.stride + s - g.padding;
        const std::size_t x = p % g.out_width * g.stride + t - g.padding;
        return y < g.height && x < g.width ? from[y * g.width + x] : T(0);
      });
    });
  }
};
// The sum of what each element of the input is in that matrix; a program row is one channel of one sample.
template <class T>
struct SumWindows {
  using value = T;
  static constexpr bool is_minor = true;
  Convolution<T> g;
  const T* from;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t plane = g.height * g.width;
    const T* matrix = from + r * g.taps() * g.positions();
    row.each(plane, [&](auto j) VITRAIL_LAMBDA {
      put_each<L>(g.dx + r * plane, j, g.add_x, [&](std::size_t e) VITRAIL_LAMBDA {
        const std::size_t y = e / g.width + g.padding, x = e % g.width + g.padding;
        T sum = 0;
        for (std::size_t s = y % g.stride; s < g.kernel_height && s <= y; s += g.stride) {
          const std::size_t i = (y - s) / g.stride;
          if (i >= g.out_height) continue;
          for (std::size_t t = x % g.stride; t < g.kernel_width && t <= x; t += g.stride) {
            const std::size_t k = (x - t) / g.stride;
            if (k < g.out_width) sum += matrix[((s * g.kernel_width + t) * g.out_height + i) * g.out_width + k];
          }
        }
        return sum;
      });
    });
  }
};

// Writes the bias of each channel to all its positions; a program row is one channel of one sample.
template <class T>
struct FillChannels {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t channels, positions;
  const T* bias;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const L x = bias ? L(bias[r % channels]) : constant<L>(0);
    row.each(positions, [&](auto j) VITRAIL_LAMBDA { put<L>(to + r * positions, j, x); });
  }
};
// The sum of each channel over all positions and samples, in their order; a program row is one channel.
template <class T>
struct SumChannels {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t count, channels, positions;
  const T* from;
  T* to;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t c) const {
    using L = typename R::lane;
    T sum = 0;
    for (std::size_t s = 0; s < count; ++s) {
      const T* channel = from + (s * channels + c) * positions;
      sum += row.sum(positions, [&](auto j) VITRAIL_LAMBDA { return get<L>(channel, j); });
    }
    row.once([&]() VITRAIL_LAMBDA { to[c] = adds ? to[c] + sum : sum; });
  }
};

}  // namespace vitrail::inline VITRAIL_TU::detail
