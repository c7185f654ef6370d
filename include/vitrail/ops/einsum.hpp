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
template <std::size_t Operands>
struct error_einsum_of_parameters_alone_is_in_no_step;

namespace detail {

template <FixedString Text, with Bound, class... V>
struct EinsumPattern {
  static constexpr Pattern pattern = parse_pattern(Text.view(), pattern_use::einsum, sizeof...(V));
  static constexpr Bindings bindings = bound_extents(pattern, Text.view(), Bound);
  static constexpr AxisExtents extents =
      pattern.ok() ? axis_extents<typename V::shape...>(pattern, bindings.known) : AxisExtents{.error = pattern.error};
  static constexpr bool has_var = (is_var<V> || ...);
  static constexpr bool ok = pattern.ok() && extents.ok() && bindings.unknown == 0 && has_var;
};
// Says what is wrong, for the functions below.
template <class E, std::size_t Operands>
constexpr void report_einsum() {
  if constexpr (E::pattern.error == pattern_error::repeated_axis) {
    (void)sizeof(error_einsum_takes_no_diagonal_but_an_axis_stands_twice_in_one_term<E::pattern.position>);
    static_assert(E::pattern.ok(), "einsum: an axis stands twice in one term; diagonals are not taken");
  } else if constexpr (!E::pattern.ok()) {
    (void)sizeof(error_einsum_pattern_is_not_valid<E::pattern.error, E::pattern.position>);
    static_assert(E::pattern.ok(), "einsum: the pattern is not valid");
  } else if constexpr (E::bindings.unknown != 0) {
    (void)sizeof(error_einsum_binds_an_axis_that_the_pattern_does_not_have<E::bindings.unknown>);
    static_assert(E::bindings.unknown == 0, "einsum: vt::with binds an axis that the pattern does not have");
  } else if constexpr (E::extents.error == pattern_error::extent_unknown) {
    (void)sizeof(error_einsum_axis_has_no_extent_bind_it_with_vt_with<E::pattern.axes[E::extents.axis].position>);
    static_assert(E::extents.ok(), "einsum: an axis of the pattern has no extent: bind it with vt::with");
  } else if constexpr (!E::extents.ok()) {
    (void)sizeof(error_einsum_shapes_do_not_fit_the_pattern<E::extents.error, E::extents.expected, E::extents.found>);
    static_assert(E::extents.ok(), "einsum: the shapes do not fit the pattern");
  } else {
    (void)sizeof(error_einsum_of_parameters_alone_is_in_no_step<Operands>);
    static_assert(E::has_var, "einsum: one operand must be a Var, which says in which step this is computed");
  }
}

// The context of the first Var among the operands.
template <class V, class... More>
constexpr auto* einsum_context(const V& v, const More&... more) {
  if constexpr (is_var<V>) {
    return v.ctx;
  } else {
    return einsum_context(more...);
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
    detail::report_einsum<E, 2>();
  } else {
    return detail::run_einsum_of_two<E>(detail::einsum_context(x, y), x, y);
  }
}
// One operand: its axes moved, or summed.
template <FixedString Text, with Bound = with{}, Operand A>
constexpr auto einsum(A&& a) {
  const auto x = evaluate(static_cast<A&&>(a));
  using V = std::remove_cvref_t<decltype(x)>;
  using E = detail::EinsumPattern<Text, Bound, V>;
  if constexpr (!E::ok) {
    detail::report_einsum<E, 1>();
  } else {
    using Sum = detail::PatternReduction<Text, pattern_use::einsum, typename V::shape, Bound>;
    return apply(x.ctx, ReduceOp<Sum, op::sum>{}, x);
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
    detail::report_einsum<E, 3>();
  } else {
    using Order = detail::EinsumOrderOf<E, !is_one_for_all<X>(), !is_one_for_all<Y>(), !is_one_for_all<Z>()>;
    const auto ctx = detail::einsum_context(x, y, z);
    const auto first = detail::run_einsum_of_two<typename Order::template Step<0>>(
        ctx, detail::operand<Order::order.left>(x, y, z), detail::operand<Order::order.right>(x, y, z));
    return detail::run_einsum_of_two<typename Order::template Step<1>>(ctx, first,
                                                                       detail::operand<Order::order.other>(x, y, z));
  }
}

}  // namespace vitrail::inline VITRAIL_TU
