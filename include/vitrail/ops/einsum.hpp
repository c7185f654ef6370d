// einsum.hpp - a sum of products over named axes: vt::einsum<"h q d, h k d -> h q k">(q, k). numpy.einsum, of one to
// three operands.
#pragma once

#include <cstddef>

#include "../expr/expression.hpp"
#include "../shape/bindings.hpp"
#include "../shape/einsum_order.hpp"
#include "../shape/fixed_string.hpp"
#include "einsum_op.hpp"
#include "reduce_op.hpp"

namespace vitrail::inline VITRAIL_TU {

template <pattern_error What, std::size_t Position>
struct error_einsum_pattern_is_not_valid;
template <std::size_t Position>
struct error_einsum_takes_no_diagonal_but_an_axis_stands_twice_in_one_term;
template <char Letter>
struct error_einsum_binds_an_axis_that_the_pattern_does_not_have;
template <std::size_t Position>
struct error_einsum_axis_has_no_extent_bind_it_with_vt_with;
template <pattern_error What, std::size_t Expected, std::size_t Found>
struct error_einsum_shapes_do_not_fit_the_pattern;

namespace detail {

template <FixedString Text, with Bound, class... V>
struct EinsumPattern {
  static constexpr Pattern pattern = parse_pattern(Text.view(), pattern_use::einsum, sizeof...(V));
  static constexpr Bindings bindings = bound_extents(pattern, Text.view(), Bound);
  static constexpr AxisExtents extents =
      pattern.ok() ? axis_extents<typename V::shape...>(pattern, bindings.known) : AxisExtents{.error = pattern.error};
  static constexpr bool ok = pattern.ok() && extents.ok() && bindings.unknown == 0;
};
// Says what is wrong, for the functions below.
template <class E, class... V>
constexpr auto refuse_einsum(const V&... v) {
  if constexpr (E::pattern.error == pattern_error::repeated_axis) {
    return refuse<error_einsum_takes_no_diagonal_but_an_axis_stands_twice_in_one_term<E::pattern.position>>(v...);
  } else if constexpr (!E::pattern.ok()) {
    return refuse<error_einsum_pattern_is_not_valid<E::pattern.error, E::pattern.position>>(v...);
  } else if constexpr (E::bindings.unknown != 0) {
    return refuse<error_einsum_binds_an_axis_that_the_pattern_does_not_have<E::bindings.unknown>>(v...);
  } else if constexpr (E::extents.error == pattern_error::extent_unknown) {
    return refuse<error_einsum_axis_has_no_extent_bind_it_with_vt_with<E::pattern.axes[E::extents.axis].position>>(
        v...);
  } else {
    return refuse<error_einsum_shapes_do_not_fit_the_pattern<E::extents.error, E::extents.expected, E::extents.found>>(
        v...);
  }
}

template <class E, class Context, class A, class B>
constexpr auto run_einsum_of_two(Context* ctx, const A& a, const B& b) {
  using Op = EinsumOp<EinsumConstants<E>, !is_one_for_all<A>(), !is_one_for_all<B>()>;
  return apply(ctx, Op{}, a, b);
}

template <class E, bool... Batched>
struct EinsumOrderOf {
  static constexpr EinsumOrder order = einsum_order(E::pattern, E::extents, {Batched...});
  template <std::size_t I>
  struct Step {
    static constexpr Pattern pattern = order.steps[I].pattern;
    static constexpr AxisExtents extents = order.steps[I].extents;
  };
};
// Operand I of three.
template <std::size_t I, class A, class B, class C>
constexpr const auto& operand(const A& a, const B& b, const C& c) {
  if constexpr (I == 0) {
    return a;
  } else if constexpr (I == 1) {
    return b;
  } else {
    return c;
  }
}

}  // namespace detail

// Operands -> the axes right of the arrow; what stands left only is summed. Patterns name the axes of one sample, never
// the batch. Operands are Vars, expressions and parameters, one of them not a parameter. "(h d)" is an axis made of
// two, one of which vt::with gives if nothing else does: vt::einsum<"q (h d), k (h d) -> h q k", vt::with{.h = 12}>.
// An axis stands once in a term: there are no diagonals.
//
// Two operands are matrix products without a copy, one call for matrix-like patterns; what sums nothing is one
// elementwise loop.
template <FixedString Text, with Bound = with{}, Operand A, Operand B>
constexpr auto einsum(A&& a, B&& b) {
  const auto x = evaluate(static_cast<A&&>(a));
  const auto y = evaluate(static_cast<B&&>(b));
  using E = detail::EinsumPattern<Text, Bound, std::remove_cvref_t<decltype(x)>, std::remove_cvref_t<decltype(y)>>;
  if constexpr (!E::ok) {
    return detail::refuse_einsum<E>(x, y);
  } else {
    return detail::run_einsum_of_two<E>(detail::context_of(x, y), x, y);
  }
}
// One operand: its axes moved, or summed.
template <FixedString Text, with Bound = with{}, Operand A>
constexpr auto einsum(A&& a) {
  const auto x = evaluate(static_cast<A&&>(a));
  using V = std::remove_cvref_t<decltype(x)>;
  using E = detail::EinsumPattern<Text, Bound, V>;
  if constexpr (!E::ok) {
    return detail::refuse_einsum<E>(x);
  } else {
    using Sum = detail::PatternReduction<Text, pattern_use::einsum, typename V::shape, Bound>;
    return apply(ReduceOp<Sum, op::sum>{}, x);
  }
}
// Three operands: two einsums, in the order of the fewest multiplications (shape/einsum_order.hpp).
template <FixedString Text, with Bound = with{}, Operand A, Operand B, Operand C>
constexpr auto einsum(A&& a, B&& b, C&& c) {
  const auto x = evaluate(static_cast<A&&>(a));
  const auto y = evaluate(static_cast<B&&>(b));
  const auto z = evaluate(static_cast<C&&>(c));
  using X = std::remove_cvref_t<decltype(x)>;
  using Y = std::remove_cvref_t<decltype(y)>;
  using Z = std::remove_cvref_t<decltype(z)>;
  using E = detail::EinsumPattern<Text, Bound, X, Y, Z>;
  if constexpr (!E::ok) {
    return detail::refuse_einsum<E>(x, y, z);
  } else {
    using Order = detail::EinsumOrderOf<E, !is_one_for_all<X>(), !is_one_for_all<Y>(), !is_one_for_all<Z>()>;
    const auto ctx = detail::context_of(x, y, z);
    const auto first = detail::run_einsum_of_two<typename Order::template Step<0>>(
        ctx, detail::operand<Order::order.left>(x, y, z), detail::operand<Order::order.right>(x, y, z));
    return detail::run_einsum_of_two<typename Order::template Step<1>>(ctx, first,
                                                                       detail::operand<Order::order.other>(x, y, z));
  }
}

}  // namespace vitrail::inline VITRAIL_TU
