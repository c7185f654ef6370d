// cost.hpp - what a model costs, as constants: a trace of its forward on no memory.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../autodiff/meta.hpp"
#include "accepts.hpp"
#include "module.hpp"

namespace vitrail::inline VITRAIL_TU {

// FLOPs are of the whole batch; a multiplication and an addition are two. `multiply_adds` counts those of the forward
// products alone: what other projects publish as "FLOPs" or MACs (many of them without attention's two products).
struct Cost {
  std::size_t parameters = 0, trainable = 0, forward_flops = 0, backward_flops = 0, multiply_adds = 0;
};

template <class M>
struct error_forward_is_not_constexpr_but_a_constant_was_asked_for;

namespace detail {

// Errors stand in a class: a function with one is no constant, which compilers would report as well.
template <class M, class F>
struct NotConstant {
  // If inputs do not fit, an operation has said so.
  using check = std::conditional_t<accepts<M, typename M::input>,
                                   error_forward_is_not_constexpr_but_a_constant_was_asked_for<M>, M>;
  static_assert(sizeof(check) > 0);
  static constexpr auto where_it_stops = F{}();
};
// F{}(), which runs M's forward, as a constant. It is computed once, as a default argument; if it is none, this
// overload drops out.
template <class M, class F, auto Value = F{}()>
constexpr auto constant_of(int) {
  return Value;
}
template <class M, class F>
constexpr auto constant_of(...) {
  using Why = NotConstant<M, F>;
  (void)sizeof(Why);
  return decltype(F{}()){};
}

// Records the forward of a module that no Model holds; its parameters have no values.
template <class M, bool Gradients>
constexpr auto trace_module(M& module, Trace& trace, Meta<typename M::policy, Gradients>& meta) {
  trace.parameters = number_slots(module);
  for (std::size_t i = 0; i < trace.parameters; ++i) trace.values.push_back({0, -1, false, true});
  const auto x = meta.template input<typename M::input, true>();
  if constexpr (requires { M::labels_per_sample; }) {
    return module(x, meta.template labels<M::labels_per_sample>());
  } else {
    return module(x);
  }
}

// FLOPs of one trace, apart for what runs once per sample and what runs once.
struct TracedFlops {
  std::size_t forward[2] = {}, backward[2] = {}, multiply_adds[2] = {};  // [runs per sample]
};
template <class M>
struct TraceFlops {
  constexpr TracedFlops operator()() const {
    Trace trace;
    Meta<typename M::policy, true> meta{&trace};
    M module{};
    (void)trace_module(module, trace, meta);
    TracedFlops flops;
    for (const OperationRecord& operation : trace.operations) {
      flops.forward[operation.batched] += operation.facts.flops;
      if (operation.facts.is_product) flops.multiply_adds[operation.batched] += operation.facts.flops / 2;
      if (operation.tracked) flops.backward[operation.batched] += operation.facts.backward_flops;
    }
    return flops;
  }
};

}  // namespace detail

// static_assert(vt::cost_of<vt::ViT_B16<>>(1).parameters == 86'567'656); M's forward functions must be constexpr.
template <class M>
constexpr Cost cost_of(std::size_t batch) {
  constexpr detail::TracedFlops flops = detail::constant_of<M, detail::TraceFlops<M>>(0);
  return {parameter_count<M>(), trainable_count<M>(), batch * flops.forward[true] + flops.forward[false],
          batch * flops.backward[true] + flops.backward[false],
          batch * flops.multiply_adds[true] + flops.multiply_adds[false]};
}

}  // namespace vitrail::inline VITRAIL_TU
