// linear.hpp - y = scale x W^T + b + r on the last axis. torch.nn.functional.linear, with a residual added on the way
// out.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../expr/evaluate.hpp"
#include "copy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The gradients of a weight [out, in] and a bias [out] from the input and the output's gradient, on a backend that does
// both at once, or as a product and a column sum.
template <class B, class T, class Y, class X>
void weight_gradient(const B& backend, const WeightGradient<T, Y, X>& g) {
  if constexpr (requires { backend.weight_gradient(g); }) {
    backend.weight_gradient(g);
  } else {
    if (g.dw) {
      Product<T, Y, X> p;
      p.m = g.out, p.n = g.in, p.k = g.rows;
      p.a = g.dy, p.a_row = 1, p.a_column = g.dy_row;
      p.b = g.x, p.b_row = g.x_row, p.b_column = 1;
      p.c = g.dw, p.c_row = static_cast<std::ptrdiff_t>(g.in);
      p.scale = g.scale, p.accumulate = g.add_w;
      backend.product(p);
    }
    if (g.db) {
      backend.template columns<1>(g.rows, g.out, SumRows<Y>{g.dy, static_cast<std::size_t>(g.dy_row)},
                                  Columns<T, 1>{{g.db}, {g.add_b}, g.work});
    }
  }
}
template <class P>
constexpr std::size_t weight_gradient_space(std::size_t out, std::size_t in) {
  using B = typename P::backend;
  if constexpr (requires(const B& b, const WeightGradient<typename P::value>& g) { b.weight_gradient(g); }) {
    return B::weight_gradient_workspace(out, in);
  } else {
    return columns_workspace(out, 1);
  }
}

}  // namespace detail

// Inputs: x [.., In], weight [Out, In] (in patch_embedding [Out, ...] of that size), then the bias [Out] and the
// residual [.., Out] if there.
template <class S, std::size_t Out, bool Bias, bool Residual>
struct LinearOp {
  using shape = with_last<S, Out>;
  static constexpr const char* name = "linear";
  static constexpr std::size_t In = S::last, bias = 2, residual = Bias ? 3 : 2, inputs = 2 + Bias + Residual;
  static constexpr unsigned packed_inputs = 1u << 1;
  double scale = 1;

  template <class P>
  static constexpr Facts facts(std::array<bool, inputs> tracked) {
    Facts f;
    f.flops = 2 * S::size * Out;
    f.is_product = true;
    f.backward_flops = f.flops * (std::size_t(tracked[0]) + std::size_t(tracked[1]));
    f.saves = (tracked[1] ? 1u : 0u) | (tracked[0] ? 2u : 0u);  // a frozen weight does not keep its input
    f.alias = Residual ? 1u << residual : 0;
    const bool parameters = tracked[1] || (Bias && tracked[bias]);
    f.backward_work.fixed = parameters ? detail::weight_gradient_space<P>(Out, In) : 0;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, inputs, Stored>& a) const {
    using T = typename P::value;
    using X = stored_input<0, decltype(a)>;
    Product<T, X, stored_input<1, decltype(a)>, X> p;
    p.m = a.count * S::rows, p.n = Out, p.k = In;
    p.a = input_at<0>(a), p.a_row = In, p.a_column = 1;
    p.b = input_at<1>(a), p.b_row = 1, p.b_column = In, p.packed = a.packed[1];
    p.c = a.out, p.c_row = Out;
    p.scale = static_cast<T>(scale);
    if constexpr (Bias) p.bias = input_at<bias>(a);
    if constexpr (Residual) p.residual = input_at<residual>(a), p.residual_row = Out;
    a.backend->product(p);
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, inputs, Stored>& a) const {
    using T = typename P::value;
    using X = stored_input<0, decltype(a)>;
    const std::size_t rows = a.count * S::rows;
    if (a.gradient[0].wanted()) {
      Product<T, X, stored_input<1, decltype(a)>, X> p;
      p.m = rows, p.n = In, p.k = Out;
      p.a = a.out_gradient, p.a_row = Out, p.a_column = 1;
      p.b = input_at<1>(a), p.b_row = In, p.b_column = 1;
      p.c = gradient_at<0>(a), p.c_row = In;
      p.scale = static_cast<T>(scale), p.accumulate = a.gradient[0].adds();
      a.backend->product(p);
    }
    WeightGradient<T, X> g;
    g.rows = rows, g.out = Out, g.in = In;
    g.dy = a.out_gradient, g.dy_row = Out, g.x = input_at<0>(a), g.x_row = In;
    g.scale = static_cast<T>(scale), g.work = a.work.fixed;
    if (a.gradient[1].wanted()) g.dw = gradient_at<1>(a), g.add_w = a.gradient[1].adds();
    if constexpr (Bias) {
      if (a.gradient[bias].wanted()) g.db = gradient_at<bias>(a), g.add_b = a.gradient[bias].adds();
    }
    if (g.dw || g.db) detail::weight_gradient(*a.backend, g);
    if constexpr (Residual) {
      const auto& r = a.gradient[residual];
      if (r.wanted())
        detail::copy_or_add(*a.backend, a.count * shape::size, a.out_gradient, gradient_at<residual>(a), r.adds());
    }
  }
};

template <std::size_t Rank>
struct error_linear_input_is_not_of_rank_1_or_more;
template <std::size_t Rank>
struct error_linear_weight_is_not_of_rank_2;
template <std::size_t Out, std::size_t In>
struct error_linear_weight_is_not_one_for_the_whole_batch;
template <std::size_t Given, std::size_t Expected>
struct error_linear_last_axis_is_not_in_features;
template <std::size_t Given, std::size_t Expected>
struct error_linear_bias_has_another_size_than_out_features;
template <std::size_t Size>
struct error_linear_bias_is_not_one_for_the_whole_batch;
template <class Given, class Expected>
struct error_linear_residual_has_another_shape_than_the_result;
template <bool GivenBatched, bool ExpectedBatched>
struct error_linear_residual_is_not_a_Var_batched_as_the_input;

namespace detail {
// Weights are packed by the first axis and read by the last: they must have two. One of a batch is no weight. B is the
// bias, if there is one.
template <class X, class W, class... B>
constexpr bool linear_fits() {
  return X::shape::rank > 0 && W::shape::rank == 2 && is_one_for_all<W>() && X::shape::last == W::shape::last &&
         ((B::shape::size == W::shape::rows && is_one_for_all<B>()) && ...);
}
// Says what does not fit, for the functions below.
template <class X, class W, class... B>
constexpr auto refuse_linear(const X& x, const W& weight, const B&... bias) {
  using S = typename X::shape;
  using V = typename W::shape;
  if constexpr (S::rank == 0) {
    return refuse<error_linear_input_is_not_of_rank_1_or_more<S::rank>>(x, weight, bias...);
  } else if constexpr (V::rank != 2) {
    return refuse<error_linear_weight_is_not_of_rank_2<V::rank>>(x, weight, bias...);
  } else if constexpr (!is_one_for_all<W>()) {
    return refuse<error_linear_weight_is_not_one_for_the_whole_batch<V::rows, V::last>>(x, weight, bias...);
  } else if constexpr (S::last != V::last) {
    return refuse<error_linear_last_axis_is_not_in_features<S::last, V::last>>(x, weight, bias...);
  } else if constexpr (((B::shape::size != V::rows) || ...)) {
    return refuse<error_linear_bias_has_another_size_than_out_features<B::shape::size..., V::rows>>(x, weight, bias...);
  } else {
    return refuse<error_linear_bias_is_not_one_for_the_whole_batch<B::shape::size...>>(x, weight, bias...);
  }
}
template <class X, class W, class B>
requires(!std::is_arithmetic_v<B>)  // that is the scale
    constexpr auto linear(const X& x, const W& weight, const B& bias) {
  if constexpr (!linear_fits<X, W, B>()) {
    return refuse_linear(x, weight, bias);
  } else {
    return apply(LinearOp<typename X::shape, W::shape::rows, true, false>{}, x, weight, bias);
  }
}
template <class X, class W>
constexpr auto linear(const X& x, const W& weight, double scale) {
  if constexpr (!linear_fits<X, W>()) {
    return refuse_linear(x, weight);
  } else {
    return apply(LinearOp<typename X::shape, W::shape::rows, false, false>{scale}, x, weight);
  }
}
template <class X, class W, class B, class R>
constexpr auto linear_residual(const X& x, const W& weight, const B& bias, const R& residual) {
  using S = typename X::shape;
  if constexpr (!linear_fits<X, W, B>()) {
    return refuse_linear(x, weight, bias);
  } else if constexpr (!std::is_same_v<with_last<S, W::shape::rows>, typename R::shape>) {
    using Result = with_last<S, W::shape::rows>;
    return refuse<error_linear_residual_has_another_shape_than_the_result<typename R::shape, Result>>(x, weight, bias,
                                                                                                      residual);
  } else if constexpr (!is_var<R> || is_one_for_all<R>() != is_one_for_all<X>()) {
    return refuse<error_linear_residual_is_not_a_Var_batched_as_the_input<!is_one_for_all<R>(), !is_one_for_all<X>()>>(
        x, weight, bias, residual);
  } else {
    return apply(LinearOp<S, W::shape::rows, true, true>{}, x, weight, bias, residual);
  }
}
}  // namespace detail

// x [.., In], weight [Out, In], bias [Out] -> [.., Out].
template <class X, class W, class B>
requires(!std::is_arithmetic_v<std::remove_cvref_t<B>>)  // that is the scale
    constexpr auto linear(X&& x, W&& weight, B&& bias) {
  return detail::linear(evaluate(static_cast<X&&>(x)), evaluate(static_cast<W&&>(weight)),
                        evaluate(static_cast<B&&>(bias)));
}
// The same without a bias, scaled.
template <class X, class W>
constexpr auto linear(X&& x, W&& weight, double scale = 1) {
  return detail::linear(evaluate(static_cast<X&&>(x)), evaluate(static_cast<W&&>(weight)), scale);
}
// linear(x, weight, bias) + residual in one pass over the result; residual [.., Out] is not a parameter.
template <class X, class W, class B, class R>
constexpr auto linear_residual(X&& x, W&& weight, B&& bias, R&& residual) {
  return detail::linear_residual(evaluate(static_cast<X&&>(x)), evaluate(static_cast<W&&>(weight)),
                                 evaluate(static_cast<B&&>(bias)), evaluate(static_cast<R&&>(residual)));
}

}  // namespace vitrail::inline VITRAIL_TU
