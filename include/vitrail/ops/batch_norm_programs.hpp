// batch_norm_programs.hpp - batch norm as a program whose rows are the channels, for backends of the host.
#pragma once

#include <cstddef>

#include "../backend/rows.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// The running statistics of all channels: those that are normalised with, if they are, and where the step moves them.
template <class T>
struct RunningStatistics {
  const T *mean = nullptr, *variance = nullptr;
  T *next_mean = nullptr, *next_variance = nullptr;
};

// A program row is one channel, which sums over all samples in their order, whatever the number of threads. Two passes:
// the variance is that of the centred values.
template <class T>
struct BatchNormForward {
  using value = T;
  std::size_t count, channels, positions;
  const T *x, *weight, *bias;
  T *y, *state;  // mean and 1 / deviation of each channel, if somebody asks
  RunningStatistics<T> running;
  bool of_batch;
  T eps, momentum;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t c) const {
    using L = typename R::lane;
    T mean = of_batch ? T(0) : running.mean[c], variance = of_batch ? T(0) : running.variance[c];
    if (of_batch) {
      const T n = static_cast<T>(count * positions);
      for (std::size_t s = 0; s < count; ++s) {
        const T* in = x + (s * channels + c) * positions;
        mean += row.sum(positions, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j); });
      }
      mean /= n;
      const L centre = L(mean);
      for (std::size_t s = 0; s < count; ++s) {
        const T* in = x + (s * channels + c) * positions;
        variance += row.sum(positions, [&](auto j) VITRAIL_LAMBDA {
          const L d = get<L>(in, j) - centre;
          return d * d;
        });
      }
      // From what they were before the step, so that running it again changes nothing. Without a bias (n - 1).
      if (running.next_mean) {
        running.next_mean[c] = (T(1) - momentum) * running.mean[c] + momentum * mean;
        running.next_variance[c] = (T(1) - momentum) * running.variance[c] + momentum * (variance / (n - T(1)));
      }
      variance /= n;
    }
    const T inverse = T(1) / vitrail::sqrt(variance + eps);
    if (state) {
      state[2 * c] = mean;
      state[2 * c + 1] = inverse;
    }
    const L centre = L(mean), factor = L(inverse * weight[c]), shift = L(bias[c]);
    for (std::size_t s = 0; s < count; ++s) {
      const std::size_t at = (s * channels + c) * positions;
      row.each(positions,
               [&](auto j) VITRAIL_LAMBDA { put<L>(y + at, j, (get<L>(x + at, j) - centre) * factor + shift); });
    }
  }
};
// dx = weight inverse (dy - mean(dy) - h mean(dy h)) with h = (x - mean) inverse, or weight inverse dy by the running
// statistics; dweight = sum(dy h), dbias = sum(dy).
template <class T>
struct BatchNormBackward {
  using value = T;
  std::size_t count, channels, positions;
  const T *x, *weight, *dy, *state;
  T *dx, *dw, *db;  // null: not wanted
  bool of_batch, add_x, add_w, add_b;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t c) const {
    using L = typename R::lane;
    const T inverse = state[2 * c + 1], n = static_cast<T>(count * positions);
    const L centre = L(state[2 * c]), factor = L(inverse);
    T sum = 0, product = 0;
    for (std::size_t s = 0; s < count; ++s) {
      const T *up = dy + (s * channels + c) * positions, *in = x + (s * channels + c) * positions;
      sum += row.sum(positions, [&](auto j) VITRAIL_LAMBDA { return get<L>(up, j); });
      product += row.sum(positions,
                         [&](auto j) VITRAIL_LAMBDA { return get<L>(up, j) * ((get<L>(in, j) - centre) * factor); });
    }
    if (dx) {
      const L all = L(of_batch ? sum / n : T(0)), along = L(of_batch ? product / n : T(0));
      const L scale = L(inverse * weight[c]);
      for (std::size_t s = 0; s < count; ++s) {
        const std::size_t at = (s * channels + c) * positions;
        row.each(positions, [&](auto j) VITRAIL_LAMBDA {
          const L h = (get<L>(x + at, j) - centre) * factor;
          put<L>(dx + at, j, scale * (get<L>(dy + at, j) - all - h * along), add_x);
        });
      }
    }
    row.once([&]() VITRAIL_LAMBDA {
      if (dw) dw[c] = add_w ? dw[c] + product : product;
      if (db) db[c] = add_b ? db[c] + sum : sum;
    });
  }
};

}  // namespace vitrail::inline VITRAIL_TU::detail
