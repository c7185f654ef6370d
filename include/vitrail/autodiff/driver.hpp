// driver.hpp - the one way in which an operation is run: it checks, finds out what is tracked, and hands over to the
// context.
#pragma once

#include <array>
#include <concepts>
#include <type_traits>

#include "../backend/philox.hpp"
#include "facts.hpp"
#include "param.hpp"
#include "refuse.hpp"
#include "var.hpp"

namespace vitrail::inline VITRAIL_TU {

// Memory for a Space of an operation.
template <class T>
struct WorkRoom {
  T *per_sample = nullptr, *fixed = nullptr;
};

// What an operation's forward and backward receive. N inputs; `count` samples (1 if nothing is batched). A gradient
// that nobody wants has mode none; one that is an alias is there already.
template <class P, std::size_t N>
struct Arguments {
  using policy = P;
  using value = typename P::value;
  struct Gradient {
    value* at = nullptr;
    Mode mode = Mode::none;
    bool wanted() const { return mode != Mode::none && mode != Mode::alias; }
    bool adds() const { return mode == Mode::add; }
  };
  using Room = WorkRoom<value>;

  const typename P::backend* backend = nullptr;
  std::size_t count = 0;
  const value* in[N] = {};
  const value* packed[N] = {};  // input i in the product kernel's own layout, or null
  value* out = nullptr;
  Room state, work;
  const value* out_gradient = nullptr;
  Gradient gradient[N];
  RandomStream random;             // seed, step and, as site, the ordinal of this operation
  std::uint32_t first_sample = 0;  // number of the first sample in the global batch
};

// Asked by a call: nvcc says no to `&Op::template backward<P>` where it should say yes, silently.
template <class Op, class A>
concept has_backward = requires(const Op& op, const A& a) {
  op.backward(a);
};
// Its result is one for the whole batch (a mean loss).
template <class Op>
concept mixes_samples = requires {
  requires Op::across_batch;
};
// Its result is one for each sample, whatever its inputs are: it reads something else of the samples.
template <class Op>
concept makes_samples = requires {
  requires Op::of_each_sample;
};

namespace detail {
// The inputs for which Arguments::packed is enough.
template <class Op>
constexpr unsigned packed_inputs() {
  if constexpr (requires { Op::packed_inputs; }) {
    return Op::packed_inputs;
  } else {
    return 0;
  }
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
  static constexpr Facts facts = Op::template facts<P>(std::array<bool, inputs>{V::tracked...});
  template <class Context>
  using result = Var<typename Op::shape, batched, tracked, Context>;

  static constexpr bool check() {
    if constexpr (inputs > max_inputs) {
      (void)sizeof(error_too_many_inputs_split_the_expression_with_vt_Var<inputs, max_inputs>);
    }
    if constexpr (tracked && !has_backward<Op, Arguments<P, inputs>>) {
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
    return ctx->run(op, as_var(ctx, v)...);
  }
}
// In the context of the first Var among the inputs.
template <class Op, class... V>
constexpr auto apply(const Op& op, const V&... v) {
  return apply(detail::context_of(v...), op, v...);
}

}  // namespace vitrail::inline VITRAIL_TU
