// batch_norm2d.hpp - (x - mean) / sqrt(variance + eps) * weight + bias for each channel, over all samples and positions
// of the batch while training, and by the running statistics otherwise. torch.nn.functional.batch_norm.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "../autodiff/driver.hpp"
#include "../backend/rows.hpp"
#include "../error.hpp"
#include "../expr/evaluate.hpp"

namespace vitrail::inline VITRAIL_TU {

// PyTorch's. A step moves the running statistics by momentum * (the batch's - running).
struct BatchNormOptions {
  double eps = 1e-5, momentum = 0.1;
};

namespace detail {

// The first size of these values that is not the expected one, or that one.
template <std::size_t Expected, class... V>
constexpr std::size_t first_other_size() {
  std::size_t found = Expected;
  ((found = found == Expected ? V::shape::size : found), ...);
  return found;
}

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

}  // namespace detail

// Inputs: x [C, H, W], weight [C], bias [C]. T: the type of the running statistics.
template <class S, class T, bool OfBatch>
struct BatchNorm2dOp {
  using shape = S;
  static constexpr const char* name = "batch_norm2d";
  static constexpr std::size_t channels = S::dims[0], positions = S::dims[1] * S::dims[2];
  BatchNormOptions options;
  detail::RunningStatistics<T> running;

  template <class P>
  static constexpr Facts facts(std::array<bool, 3> tracked) {
    const bool any = tracked[0] || tracked[1] || tracked[2];
    Facts f;
    f.flops = (OfBatch ? 8 : 4) * S::size;
    f.backward_flops = any ? 10 * S::size : 0;
    f.saves = 1u | (tracked[0] ? 2u : 0u);
    f.in_place = 1;
    f.recompute_cost = (OfBatch ? 2 : 1) * S::size * elementwise_cost;
    f.state.fixed = any ? 2 * channels : 0;
    return f;
  }
  // Throws shape_error if the batch has one value per channel only: they have no variance.
  template <class P>
  void forward(const Arguments<P, 3>& a) const {
    if (OfBatch && a.count * positions < 2) {
      throw shape_error("batch_norm2d: a batch with one value per channel has no variance");
    }
    a.backend->rows(
        channels, a.count * positions,
        detail::BatchNormForward<T>{a.count, channels, positions, a.in[0], a.in[1], a.in[2], a.out, a.state.fixed,
                                    running, OfBatch, static_cast<T>(options.eps), static_cast<T>(options.momentum)});
  }
  template <class P>
  void backward(const Arguments<P, 3>& a) const {
    const auto to = [&](std::size_t i) { return a.gradient[i].wanted() ? a.gradient[i].at : nullptr; };
    if (!to(0) && !to(1) && !to(2)) return;
    a.backend->rows(channels, a.count * positions,
                    detail::BatchNormBackward<T>{a.count, channels, positions, a.in[0], a.in[1], a.out_gradient,
                                                 a.state.fixed, to(0), to(1), to(2), OfBatch, a.gradient[0].adds(),
                                                 a.gradient[1].adds(), a.gradient[2].adds()});
  }
};

template <std::size_t Rank>
struct error_batch_norm2d_input_is_not_of_rank_3;
template <std::size_t Given, std::size_t Expected>
struct error_batch_norm2d_parameters_have_another_size_than_the_channels;
template <std::size_t Size>
struct error_batch_norm2d_parameters_are_not_one_for_the_whole_batch;

namespace detail {

// Statistics: the running ones, if there are some.
template <bool OfBatch, class X, class W, class B, class T, class... Statistics>
constexpr auto batch_norm2d(const X& x, const W& weight, const B& bias, const BatchNormOptions& options,
                            const RunningStatistics<T>& running, const Statistics&...) {
  using S = typename X::shape;
  if constexpr (S::rank != 3) {
    return refuse<error_batch_norm2d_input_is_not_of_rank_3<S::rank>>(x, weight, bias);
  } else if constexpr (first_other_size<S::dims[0], W, B, Statistics...>() != S::dims[0]) {
    constexpr std::size_t given = first_other_size<S::dims[0], W, B, Statistics...>();
    return refuse<error_batch_norm2d_parameters_have_another_size_than_the_channels<given, S::dims[0]>>(x, weight,
                                                                                                        bias);
  } else if constexpr (!is_one_for_all<W>() || !is_one_for_all<B>()) {
    return refuse<error_batch_norm2d_parameters_are_not_one_for_the_whole_batch<S::dims[0]>>(x, weight, bias);
  } else {
    return apply(BatchNorm2dOp<S, T, OfBatch>{options, running}, x, weight, bias);
  }
}
// By the running statistics.
template <class X, class W, class B, class M, class V>
constexpr auto batch_norm2d_by(const X& x, const W& weight, const B& bias, const M& mean, const V& variance,
                               const BatchNormOptions& options) {
  const RunningStatistics<typename M::value> running{mean.data, variance.data};
  return batch_norm2d<false>(x, weight, bias, options, running, mean, variance);
}
template <class X, class W, class B, class M, class V>
constexpr auto batch_norm2d_moving(const X& x, const W& weight, const B& bias, const M& mean, const V& variance,
                                   const BatchNormOptions& options) {
  using Context = typename X::context;
  if constexpr (Context::training && (leaf_tracked<Context, W>() || leaf_tracked<Context, B>())) {
    RunningStatistics<typename M::value> running;
    if constexpr (requires { x.ctx->moving(mean.data); }) {
      const auto means = x.ctx->moving(mean.data);
      const auto variances = x.ctx->moving(variance.data);
      running = {means.from, variances.from, means.to, variances.to};
    }
    return batch_norm2d<true>(x, weight, bias, options, running, mean, variance);
  } else {
    return batch_norm2d_by(x, weight, bias, mean, variance, options);
  }
}

}  // namespace detail

// x [C, H, W] -> [C, H, W] by the statistics of the batch, in every context; weight and bias [C]. In a step that runs
// in parts they are those of each part, as in PyTorch.
template <class X, class W, class B>
constexpr auto batch_norm2d(X&& x, W&& weight, B&& bias, BatchNormOptions options = {}) {
  const auto v = evaluate(static_cast<X&&>(x));
  using T = typename std::remove_cvref_t<decltype(v)>::context::value;
  return detail::batch_norm2d<true>(v, evaluate(static_cast<W&&>(weight)), evaluate(static_cast<B&&>(bias)), options,
                                    detail::RunningStatistics<T>{});
}
// The same with running statistics [C]. While training, and if weight or bias trains, by the statistics of the batch,
// and the step moves the running ones when it is done; called twice in a step, the last call counts. Otherwise by the
// running ones: in inference, and where the tuning has frozen weight and bias.
template <class X, class W, class B, class S, class T, class Initial, class Variance>
constexpr auto batch_norm2d(X&& x, W&& weight, B&& bias, const RunningStatistic<S, T, Initial>& mean,
                            const Variance& variance, BatchNormOptions options = {}) {
  return detail::batch_norm2d_moving(evaluate(static_cast<X&&>(x)), evaluate(static_cast<W&&>(weight)),
                                     evaluate(static_cast<B&&>(bias)), mean, variance, options);
}

}  // namespace vitrail::inline VITRAIL_TU
