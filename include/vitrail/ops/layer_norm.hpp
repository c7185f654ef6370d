// layer_norm.hpp - (x - mean) / sqrt(variance + eps) * weight + bias over the last axis.
// torch.nn.functional.layer_norm.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/rows.hpp"
#include "../expr/evaluate.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Two passes over a row that is in the L1 cache: the variance is that of the centred values, so a large mean loses no
// digits. In float, |x| must stay below 1e18, where the variance overflows.
template <class T, class X = T>
struct LayerNormForward {
  using value = T;
  std::size_t width;
  const X* x;
  const T *weight, *bias;
  X* y;
  T* statistics;  // mean and 1 / deviation of each row
  T eps;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const X* in = x + r * width;
    X* out = y + r * width;
    const T mean = row.sum(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j); }) / static_cast<T>(width);
    const L centre = L(mean);
    const T squares = row.sum(width, [&](auto j) VITRAIL_LAMBDA {
      const L d = get<L>(in, j) - centre;
      return d * d;
    });
    const T inverse = T(1) / vitrail::sqrt(squares / static_cast<T>(width) + eps);
    const L factor = L(inverse);
    row.each(width, [&](auto j) VITRAIL_LAMBDA {
      put<L>(out, j, (get<L>(in, j) - centre) * factor * get<L>(weight, j) + get<L>(bias, j));
    });
    if (statistics) {
      statistics[2 * r] = mean;
      statistics[2 * r + 1] = inverse;
    }
  }
};
// dx = inverse (g - mean(g) - h mean(g h)) with h = (x - mean) inverse, g = dy weight.
template <class T, class X = T>
struct LayerNormBackward {
  using value = T;
  std::size_t width;
  const X* x;
  const T* weight;
  const X* dy;
  const T* statistics;
  X* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const X *in = x + r * width, *up = dy + r * width;
    X* out = dx + r * width;
    const L centre = L(statistics[2 * r]), inverse = L(statistics[2 * r + 1]);
    const T n = static_cast<T>(width);
    const L sum = L(row.sum(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(up, j) * get<L>(weight, j); }) / n);
    const L product = L(row.sum(width, [&](auto j) VITRAIL_LAMBDA {
      return get<L>(up, j) * get<L>(weight, j) * ((get<L>(in, j) - centre) * inverse);
    }) / n);
    row.each(width, [&](auto j) VITRAIL_LAMBDA {
      const L h = (get<L>(in, j) - centre) * inverse;
      put<L>(out, j, inverse * (get<L>(up, j) * get<L>(weight, j) - sum - h * product), adds);
    });
  }
};
template <class T, class X = T>
struct LayerNormSums {
  using value = T;
  std::size_t width;
  const X *x, *dy;
  const T* statistics;
  template <class L, class J>
  VITRAIL_FUNCTION void add(std::size_t r, J j, L (&sums)[2]) const {
    const L g = get<L>(dy + r * width, j);
    sums[0] += g * ((get<L>(x + r * width, j) - L(statistics[2 * r])) * L(statistics[2 * r + 1]));
    sums[1] += g;
  }
};

}  // namespace detail

// Inputs: x [.., D], weight [D], bias [D].
template <class S>
struct LayerNormOp {
  using shape = S;
  static constexpr const char* name = "layer_norm";
  static constexpr std::size_t width = S::last;
  double eps;

  template <class P>
  static constexpr Facts facts(std::array<bool, 3> tracked) {
    Facts f;
    f.flops = 8 * S::size;
    f.backward_flops = tracked[0] || tracked[1] || tracked[2] ? 8 * S::size : 0;
    f.saves = 1u | (tracked[0] ? 2u : 0u);
    f.in_place = 1;
    f.recompute_cost = S::size * elementwise_cost;
    f.state.per_sample = tracked[0] || tracked[1] || tracked[2] ? 2 * S::rows : 0;
    f.backward_work.fixed = tracked[1] || tracked[2] ? columns_workspace(width, 2) : 0;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 3, Stored>& a) const {
    using T = typename P::value;
    a.backend->rows(
        a.count * S::rows, width,
        detail::LayerNormForward<T, stored_input<0, decltype(a)>>{width, input_at<0>(a), input_at<1>(a), input_at<2>(a),
                                                                  a.out, a.state.per_sample, static_cast<T>(eps)});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 3, Stored>& a) const {
    using T = typename P::value;
    using X = stored_input<0, decltype(a)>;
    const T* statistics = a.state.per_sample;
    if (a.gradient[0].wanted()) {
      a.backend->rows(a.count * S::rows, width,
                      detail::LayerNormBackward<T, X>{width, input_at<0>(a), input_at<1>(a), a.out_gradient, statistics,
                                                      gradient_at<0>(a), a.gradient[0].adds()});
    }
    const Columns<T, 2> to{
        {a.gradient[1].wanted() ? gradient_at<1>(a) : nullptr, a.gradient[2].wanted() ? gradient_at<2>(a) : nullptr},
        {a.gradient[1].adds(), a.gradient[2].adds()},
        a.work.fixed};
    if (to.at[0] || to.at[1]) {
      a.backend->template columns<2>(
          a.count * S::rows, width, detail::LayerNormSums<T, X>{width, input_at<0>(a), a.out_gradient, statistics}, to);
    }
  }
};

template <std::size_t Given, std::size_t Expected>
struct error_layer_norm_last_axis_is_not_the_normalized_one;
template <std::size_t Given, std::size_t Expected>
struct error_layer_norm_bias_has_another_size_than_the_weight;
template <std::size_t Size>
struct error_layer_norm_weight_is_not_one_for_the_whole_batch;
template <std::size_t Size>
struct error_layer_norm_bias_is_not_one_for_the_whole_batch;

namespace detail {
template <class X, class W, class B>
constexpr auto layer_norm(const X& x, const W& weight, const B& bias, double eps) {
  using S = typename X::shape;
  if constexpr (S::last != W::shape::size) {
    return refuse<error_layer_norm_last_axis_is_not_the_normalized_one<S::last, W::shape::size>>(x, weight, bias);
  } else if constexpr (B::shape::size != W::shape::size) {
    return refuse<error_layer_norm_bias_has_another_size_than_the_weight<B::shape::size, W::shape::size>>(x, weight,
                                                                                                          bias);
  } else if constexpr (!is_one_for_all<W>()) {
    return refuse<error_layer_norm_weight_is_not_one_for_the_whole_batch<W::shape::size>>(x, weight, bias);
  } else if constexpr (!is_one_for_all<B>()) {
    return refuse<error_layer_norm_bias_is_not_one_for_the_whole_batch<B::shape::size>>(x, weight, bias);
  } else {
    return apply(LayerNormOp<S>{eps}, x, weight, bias);
  }
}
}  // namespace detail

// x [.., D] -> [.., D]; weight and bias [D]. 1e-6 is timm's eps for ViT (PyTorch's own default is 1e-5).
template <class X, class W, class B>
constexpr auto layer_norm(X&& x, W&& weight, B&& bias, double eps = 1e-6) {
  return detail::layer_norm(evaluate(static_cast<X&&>(x)), evaluate(static_cast<W&&>(weight)),
                            evaluate(static_cast<B&&>(bias)), eps);
}

}  // namespace vitrail::inline VITRAIL_TU
