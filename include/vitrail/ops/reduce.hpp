// reduce.hpp - sum, mean, max, min, var, norm, logsumexp and argmax over axes of each sample, and einops.reduce:
// vt::mean<1>(x), vt::reduce<"(h p) (w q) c -> h w c", vt::op::max, vt::with{.p = 2, .q = 2}>(x).
#pragma once

#include <cstddef>
#include <type_traits>

#include "../expr/expression.hpp"
#include "reduce_op.hpp"

namespace vitrail::inline VITRAIL_TU {

template <int Axis, std::size_t Rank>
struct error_reduction_axis_is_not_one_of_the_input;
template <int Axis, std::size_t Rank>
struct error_reduction_axis_is_given_twice;
template <pattern_error What, std::size_t Position>
struct error_reduce_pattern_is_not_valid;
template <char Letter>
struct error_reduce_binds_an_axis_that_the_pattern_does_not_have;
template <std::size_t Position>
struct error_reduce_axis_has_no_extent_bind_it_with_vt_with;
template <pattern_error What, std::size_t Expected, std::size_t Found>
struct error_reduce_shape_does_not_fit_the_pattern;

namespace detail {

template <class E, class Kind, class V>
constexpr auto run_reduction(const V& v, const Kind& kind) {
  if constexpr (is_var<V> && std::is_same_v<Kind, op::argmax>) {
    return apply(ReduceOp<E, Kind>{kind}, detach(v));
  } else {
    if constexpr (requires { kind.check(ReduceOp<E, Kind>::terms); }) kind.check(ReduceOp<E, Kind>::terms);
    return apply(ReduceOp<E, Kind>{kind}, v);
  }
}
template <int... Axes, class Kind, class X>
constexpr auto reduce_axes_of(X&& x, const Kind& kind) {
  const auto v = evaluate(static_cast<X&&>(x));
  using V = std::remove_cvref_t<decltype(v)>;
  using E = AxisReduction<typename V::shape, Axes...>;
  if constexpr (!E::choice.out_of_range.empty()) {
    return refuse<error_reduction_axis_is_not_one_of_the_input<E::choice.out_of_range[0], V::shape::rank>>(v);
  } else if constexpr (!E::choice.repeated.empty()) {
    return refuse<error_reduction_axis_is_given_twice<E::choice.repeated[0], V::shape::rank>>(v);
  } else {
    return run_reduction<E>(v, kind);
  }
}
template <FixedString Text, pattern_use Use, with Bound, class Kind, class X>
constexpr auto reduce_pattern(X&& x, const Kind& kind) {
  const auto v = evaluate(static_cast<X&&>(x));
  using E = PatternReduction<Text, Use, typename std::remove_cvref_t<decltype(v)>::shape, Bound>;
  if constexpr (!E::pattern.ok()) {
    return refuse<error_reduce_pattern_is_not_valid<E::pattern.error, E::pattern.position>>(v);
  } else if constexpr (E::bindings.unknown != 0) {
    return refuse<error_reduce_binds_an_axis_that_the_pattern_does_not_have<E::bindings.unknown>>(v);
  } else if constexpr (E::extents.error == pattern_error::extent_unknown) {
    return refuse<error_reduce_axis_has_no_extent_bind_it_with_vt_with<E::pattern.axes[E::extents.axis].position>>(v);
  } else if constexpr (!E::extents.ok()) {
    return refuse<error_reduce_shape_does_not_fit_the_pattern<E::extents.error, E::extents.expected, E::extents.found>>(
        v);
  } else {
    return run_reduction<E>(v, kind);
  }
}

}  // namespace detail

// All of these: x [..] per sample, a Var or an expression -> the axes that are not named, in their order. Axes are
// those of a sample, never the batch; -1 is the last one; no axis means all of them, and the result is a scalar.

template <int... Axes, Operand X>
constexpr auto sum(X&& x) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), op::sum{});
}
template <int... Axes, Operand X>
constexpr auto mean(X&& x) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), op::mean{});
}
// The gradient goes to the first of several equal values, as in torch.max with a dim; torch.amax splits it evenly. NaN
// if one value is.
template <int... Axes, Operand X>
constexpr auto max(X&& x) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), op::max{});
}
template <int... Axes, Operand X>
constexpr auto min(X&& x) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), op::min{});
}
// torch.var: vt::var<0>(x, {.correction = 0}). Throws shape_error if there are no more values than the correction
// (PyTorch: NaN).
template <int... Axes, Operand X>
constexpr auto var(X&& x, op::var options = {}) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), options);
}
// The Euclidean norm, torch.linalg.vector_norm. Its gradient is 0 at 0.
template <int... Axes, Operand X>
constexpr auto norm(X&& x) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), op::norm{});
}
// log(sum(exp(x))) without overflow, torch.logsumexp.
template <int... Axes, Operand X>
constexpr auto logsumexp(X&& x) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), op::logsumexp{});
}
// The ordinal of the first largest value, as a number of the step's value type (in float exact to 2^24). It is not
// tracked: nothing learns through it. Over several axes it counts row by row, as torch.argmax of a flattened tensor.
template <int... Axes, Operand X>
constexpr auto argmax(X&& x) {
  return detail::reduce_axes_of<Axes...>(static_cast<X&&>(x), op::argmax{});
}

// einops.reduce: what stands left of the arrow only is reduced; Kind is one of vt::op. `Bound` gives extents that the
// shape does not: vt::with{.p = 16}.
template <FixedString Text, class Kind, with Bound = with{}, Operand X>
constexpr auto reduce(X&& x, Kind kind = {}) {
  return detail::reduce_pattern<Text, pattern_use::reduce, Bound>(static_cast<X&&>(x), kind);
}

}  // namespace vitrail::inline VITRAIL_TU
