// driver.hpp - the one way in which an operation is run: it checks, finds out what is tracked, and hands over to the
// context.
#pragma once

#include <array>
#include <concepts>
#include <type_traits>

#include "arguments.hpp"
#include "param.hpp"
#include "refuse.hpp"
#include "var.hpp"
#include "widened.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <std::size_t N>
constexpr unsigned mask_of(const std::array<bool, N>& bits) {
  unsigned mask = 0;
  for (std::size_t i = 0; i < N; ++i) mask |= unsigned(bits[i]) << i;
  return mask;
}
}  // namespace detail

template <class Op>
struct error_operation_has_no_backward_but_a_tracked_value_flows_in;
template <std::size_t Given, std::size_t Most>
struct error_too_many_inputs_split_the_expression_with_vt_Var;

// The facts of one call as constants. (Constants of a class: nvcc does not let a lambda use those of the enclosing
// function.)
template <class Op, class P, class... V>
struct Signature {
  static constexpr std::size_t inputs = sizeof...(V), elements = Op::shape::size;
  static constexpr bool any_batched = (V::batched || ...) || makes_samples<Op>;
  static constexpr bool batched = any_batched && !mixes_samples<Op>;
  static constexpr bool tracked = (V::tracked || ...);
  static constexpr unsigned stored =
      is_mixed<P> ? detail::mask_of(std::array<bool, sizeof...(V)>{V::batched...}) | (batched ? output_bit : 0) : 0;
  static constexpr Facts facts = Op::template facts<P>(std::array<bool, inputs>{V::tracked...});
  template <class Context>
  using result = Var<typename Op::shape, batched, tracked, Context>;

  static constexpr bool check() {
    if constexpr (inputs > max_inputs) {
      (void)sizeof(error_too_many_inputs_split_the_expression_with_vt_Var<inputs, max_inputs>);
    }
    if constexpr (tracked && !has_backward<Op, Arguments<P, inputs, stored>>) {
      (void)sizeof(error_operation_has_no_backward_but_a_tracked_value_flows_in<Op>);
    }
    return true;
  }
};

template <class Given>
struct error_operation_input_is_neither_a_Var_nor_a_parameter;
template <class S>
struct error_operation_input_is_a_tensor_or_of_another_step;
template <class... Given>
struct error_operation_has_no_Var_of_a_step_among_its_inputs;

namespace detail {
template <class V>
inline constexpr bool takes_part = is_var<V> || is_parameter<V>;
template <class Context, class V>
inline constexpr bool is_foreign = false;
template <class Context, class S, bool Batched, bool Tracked, class Other>
inline constexpr bool is_foreign<Context, Var<S, Batched, Tracked, Other>> = !std::is_same_v<Context, Other>;
// Says which input is no Var or parameter, or is in another context.
template <class Context, class First, class... More>
constexpr auto refuse_operand(Context* ctx, const First&, const More&... more) {
  if constexpr (!takes_part<First>) {
    return refuse<error_operation_input_is_neither_a_Var_nor_a_parameter<First>>(ctx);
  } else if constexpr (is_foreign<Context, First>) {
    return refuse<error_operation_input_is_a_tensor_or_of_another_step<typename First::shape>>(ctx);
  } else {
    return refuse_operand(ctx, more...);
  }
}

template <class Op, class A>
concept takes_arguments = requires(const Op& op, const A& a) {
  op.forward(a);
};
// What runs in place of `op`: itself, unless some of its inputs or its result lie as what it does not read and write.
template <class Context, class... V, class Op>
constexpr auto suited(const Op& op) {
  if constexpr (stores_mixed<Context>) {
    using P = typename Context::policy;
    using Call = Signature<Op, P, V...>;
    if constexpr (!takes_arguments<Op, Arguments<P, Call::inputs, Call::stored>>) {
      return Widened<Op, Call::stored, mask_of(std::array<bool, sizeof...(V)>{V::tracked...}), V::shape::size...>{op};
    } else {
      return op;
    }
  } else {
    return op;
  }
}
}  // namespace detail

// Runs `op` on Vars and Parameters of one context. Every public operation ends here; nothing else touches a tape.
template <class Context, class Op, class... V>
constexpr auto apply(Context* ctx, const Op& op, const V&... v) {
  if constexpr ((is_refused<V> || ...)) {
    return refused(ctx);
  } else if constexpr (!(detail::takes_part<V> && ...) || (detail::is_foreign<Context, V> || ...)) {
    return detail::refuse_operand(ctx, v...);
  } else if constexpr (std::is_same_v<Context, NoStep>) {
    return refuse<error_operation_has_no_Var_of_a_step_among_its_inputs<V...>>(v...);
  } else {
    return ctx->run(detail::suited<Context, decltype(as_var(ctx, v))...>(op), as_var(ctx, v)...);
  }
}
// In the context of the first Var among the inputs.
template <class Op, class... V>
constexpr auto apply(const Op& op, const V&... v) {
  return apply(detail::context_of(v...), op, v...);
}

}  // namespace vitrail::inline VITRAIL_TU
