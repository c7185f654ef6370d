// batch_norm2d.hpp - (x - mean) / sqrt(variance + eps) * weight + bias for each channel, over all samples and positions
// of the batch while training, and by the running statistics otherwise. torch.nn.functional.batch_norm.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "../autodiff/driver.hpp"
#include "../error.hpp"
#include "../expr/evaluate.hpp"
#include "batch_norm_parts.hpp"

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
    f.forward_work.fixed = detail::batch_norm_work<typename P::backend>(channels);
    f.backward_work.fixed = any ? detail::batch_norm_work<typename P::backend>(channels) : 0;
    return f;
  }
  // Throws shape_error if the batch has one value per channel only: they have no variance.
  template <class P>
  void forward(const Arguments<P, 3>& a) const {
    if (OfBatch && a.count * positions < 2) {
      throw shape_error("batch_norm2d: a batch with one value per channel has no variance");
    }
    detail::batch_norm_forward(
        *a.backend,
        detail::BatchNormForward<T>{a.count, channels, positions, a.in[0], a.in[1], a.in[2], a.out, a.state.fixed,
                                    running, OfBatch, static_cast<T>(options.eps), static_cast<T>(options.momentum)},
        a.work.fixed);
  }
  template <class P>
  void backward(const Arguments<P, 3>& a) const {
    const auto to = [&](std::size_t i) { return a.gradient[i].wanted() ? a.gradient[i].at : nullptr; };
    if (!to(0) && !to(1) && !to(2)) return;
    detail::batch_norm_backward(
        *a.backend,
        detail::BatchNormBackward<T>{a.count, channels, positions, a.in[0], a.in[1], a.out_gradient, a.state.fixed,
                                     to(0), to(1), to(2), OfBatch, a.gradient[0].adds(), a.gradient[1].adds(),
                                     a.gradient[2].adds()},
        a.work.fixed);
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
