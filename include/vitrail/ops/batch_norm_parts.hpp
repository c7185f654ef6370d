// batch_norm_parts.hpp - batch norm on a device, where a channel for each row would leave most threads without work:
// the sums of a channel are taken over chunks of the samples, then the chunks are added, then all elements are
// normalised. How many chunks there are follows from the number of samples alone, and so do the bits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "../backend/values.hpp"
#include "batch_norm_programs.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

inline constexpr std::size_t most_batch_norm_chunks = 64;
// Values of scratch: two sums of each chunk of each channel, and two of each channel.
template <class Backend>
constexpr std::size_t batch_norm_work(std::size_t channels) {
  return is_host<Backend> ? 0 : 2 * (most_batch_norm_chunks + 1) * channels;
}

// Row r is chunk r % chunks of channel r / chunks.
struct BatchNormChunks {
  std::size_t count, channels, positions, chunks;

  // Calls f(at, j) for the elements at + j of a chunk.
  template <class R, class F>
  VITRAIL_FUNCTION void each(R row, std::size_t r, const F& f) const {
    const std::size_t c = r / chunks, k = r % chunks;
    for (std::size_t s = count * k / chunks; s < count * (k + 1) / chunks; ++s) {
      const std::size_t at = (s * channels + c) * positions;
      row.each(positions, [&](auto j) VITRAIL_LAMBDA { f(at, j); });
    }
  }
  // Of what each thread of the row has gathered with each().
  template <class R>
  VITRAIL_FUNCTION typename R::value sum(R row, const typename R::lane& gathered) const {
    using T = typename R::value;
    return row.fold(gathered, positions, [](T a, T b) VITRAIL_LAMBDA { return a + b; });
  }
  // The sum of a channel, from those of its chunks.
  template <class R, class T>
  VITRAIL_FUNCTION T total(R row, const T* sums, std::size_t c) const {
    using L = typename R::lane;
    return row.sum(chunks, [&](auto j) VITRAIL_LAMBDA { return get<L>(sums + c * chunks, j); });
  }
  VITRAIL_FUNCTION std::size_t values() const { return count * positions; }  // of a channel
};
// x, with 0 in what is not of the row any more.
template <class L, class J>
VITRAIL_FUNCTION L only_row(const L& x, J j) {
  if constexpr (std::is_same_v<J, Rest>) {
    return keep(x, j.count, 0);
  } else {
    return x;
  }
}

// The sum of each chunk, or, if these are there, of the squares of what is left without the mean.
template <class T>
struct BatchNormSums {
  using value = T;
  BatchNormChunks of;
  const T *x, *sums;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    L gathered = constant<L>(0);
    if (sums) {
      const L mean = L(of.total(row, sums, r / of.chunks) / static_cast<T>(of.values()));
      of.each(row, r, [&](std::size_t at, auto j) VITRAIL_LAMBDA {
        const L d = get<L>(x + at, j) - mean;
        gathered += only_row(L(d * d), j);
      });
    } else {
      of.each(row, r, [&](std::size_t at, auto j) VITRAIL_LAMBDA { gathered += only_row(get<L>(x + at, j), j); });
    }
    const T sum = of.sum(row, gathered);
    row.once([&]() VITRAIL_LAMBDA { to[r] = sum; });
  }
};
// Mean and 1 / deviation of each channel; the running statistics move. A row is a channel.
template <class T>
struct BatchNormMoments {
  using value = T;
  BatchNormChunks of;
  const T *sums, *squares;  // of the chunks; null: by the running statistics
  RunningStatistics<T> running;
  T eps, momentum;
  T* moments;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t c) const {
    const T n = static_cast<T>(of.values());
    const T mean = sums ? of.total(row, sums, c) / n : running.mean[c];
    const T spread = sums ? of.total(row, squares, c) : T(0);
    row.once([&]() VITRAIL_LAMBDA {
      const T variance = sums ? spread / n : running.variance[c];
      if (sums && running.next_mean) {
        running.next_mean[c] = (T(1) - momentum) * running.mean[c] + momentum * mean;
        running.next_variance[c] = (T(1) - momentum) * running.variance[c] + momentum * (spread / (n - T(1)));
      }
      moments[2 * c] = mean;
      moments[2 * c + 1] = T(1) / vitrail::sqrt(variance + eps);
    });
  }
};
// A row is a channel of a sample.
template <class T>
struct BatchNormApply {
  using value = T;
  std::size_t channels, positions;
  const T *x, *weight, *bias, *moments;
  T* y;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t c = r % channels, at = r * positions;
    const L centre = L(moments[2 * c]), factor = L(moments[2 * c + 1] * weight[c]), shift = L(bias[c]);
    row.each(positions,
             [&](auto j) VITRAIL_LAMBDA { put<L>(y + at, j, (get<L>(x + at, j) - centre) * factor + shift); });
  }
};
// The sums of dy and of dy h of each chunk.
template <class T>
struct BatchNormGradientSums {
  using value = T;
  BatchNormChunks of;
  const T *x, *dy, *moments;
  T *sums, *products;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t c = r / of.chunks;
    const L centre = L(moments[2 * c]), factor = L(moments[2 * c + 1]);
    L up = constant<L>(0), along = constant<L>(0);
    of.each(row, r, [&](std::size_t at, auto j) VITRAIL_LAMBDA {
      const L d = get<L>(dy + at, j);
      up += only_row(d, j);
      along += only_row(L(d * ((get<L>(x + at, j) - centre) * factor)), j);
    });
    const T sum = of.sum(row, up), product = of.sum(row, along);
    row.once([&]() VITRAIL_LAMBDA {
      sums[r] = sum;
      products[r] = product;
    });
  }
};
// Of each channel: the gradients of weight and bias, and the means for that of x. A row is a channel.
template <class T>
struct BatchNormGradientMeans {
  using value = T;
  BatchNormChunks of;
  const T *sums, *products;
  T *means, *dw, *db;
  bool of_batch, add_w, add_b;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t c) const {
    const T sum = of.total(row, sums, c), product = of.total(row, products, c), n = static_cast<T>(of.values());
    row.once([&]() VITRAIL_LAMBDA {
      if (dw) dw[c] = add_w ? dw[c] + product : product;
      if (db) db[c] = add_b ? db[c] + sum : sum;
      means[2 * c] = of_batch ? sum / n : T(0);
      means[2 * c + 1] = of_batch ? product / n : T(0);
    });
  }
};
// A row is a channel of a sample.
template <class T>
struct BatchNormGradient {
  using value = T;
  std::size_t channels, positions;
  const T *x, *weight, *dy, *moments, *means;
  T* dx;
  bool add;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t c = r % channels, at = r * positions;
    const L centre = L(moments[2 * c]), factor = L(moments[2 * c + 1]), scale = L(moments[2 * c + 1] * weight[c]);
    const L all = L(means[2 * c]), along = L(means[2 * c + 1]);
    row.each(positions, [&](auto j) VITRAIL_LAMBDA {
      const L h = (get<L>(x + at, j) - centre) * factor;
      put<L>(dx + at, j, scale * (get<L>(dy + at, j) - all - h * along), add);
    });
  }
};

// As the program says, on a backend of the host by itself; `work` as batch_norm_work says.
template <class B, class T>
void batch_norm_forward(const B& backend, const BatchNormForward<T>& f, [[maybe_unused]] T* work) {
  if constexpr (is_host<B>) {
    backend.rows(f.channels, f.count * f.positions, f);
  } else {
    const BatchNormChunks of{f.count, f.channels, f.positions, std::min(f.count, most_batch_norm_chunks)};
    const std::size_t rows = f.channels * of.chunks;
    T *const sums = f.of_batch ? work : nullptr, *const squares = work + rows;
    T* const moments = f.state ? f.state : work + 2 * rows;
    if (f.of_batch) {
      backend.rows(rows, f.positions, BatchNormSums<T>{of, f.x, nullptr, sums});
      backend.rows(rows, f.positions, BatchNormSums<T>{of, f.x, sums, squares});
    }
    backend.rows(f.channels, of.chunks, BatchNormMoments<T>{of, sums, squares, f.running, f.eps, f.momentum, moments});
    backend.rows(f.count * f.channels, f.positions,
                 BatchNormApply<T>{f.channels, f.positions, f.x, f.weight, f.bias, moments, f.y});
  }
}
template <class B, class T>
void batch_norm_backward(const B& backend, const BatchNormBackward<T>& g, [[maybe_unused]] T* work) {
  if constexpr (is_host<B>) {
    backend.rows(g.channels, g.count * g.positions, g);
  } else {
    const BatchNormChunks of{g.count, g.channels, g.positions, std::min(g.count, most_batch_norm_chunks)};
    const std::size_t rows = g.channels * of.chunks;
    T *const sums = work, *const products = work + rows, *const means = work + 2 * rows;
    backend.rows(rows, g.positions, BatchNormGradientSums<T>{of, g.x, g.dy, g.state, sums, products});
    backend.rows(g.channels, of.chunks,
                 BatchNormGradientMeans<T>{of, sums, products, means, g.dw, g.db, g.of_batch, g.add_w, g.add_b});
    if (!g.dx) return;
    backend.rows(g.count * g.channels, g.positions,
                 BatchNormGradient<T>{g.channels, g.positions, g.x, g.weight, g.dy, g.state, means, g.dx, g.add_x});
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
