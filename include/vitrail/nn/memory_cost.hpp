// memory_cost.hpp - what a step of a model needs in memory, as constants: a trace of it, and its plan. Apart from
// cost.hpp, so that counting parameters does not run the packer.
#pragma once

#include <cstddef>
#include <tuple>

#include "../autodiff/keep.hpp"
#include "../autodiff/plan_step.hpp"
#include "../ops/cross_entropy.hpp"
#include "cost.hpp"

namespace vitrail::inline VITRAIL_TU {

// Which step: forward and backward of the mean cross-entropy, logits kept (for a model of several heads the sum of
// theirs; for one whose result is not [C] the sum of its result, as far as memory goes); or forward alone.
struct training {
  static constexpr bool has_gradients = true;
};
struct inference {
  static constexpr bool has_gradients = false;
};

namespace detail {

// The number of the loss of what a model with so many labels for each sample returned, all of which is kept; -1 if
// nothing in it trains.
template <std::size_t Length, class V, class Context>
constexpr int loss_id(const V& result, Context& ctx) {
  keep(result);
  if constexpr (!V::tracked) {
    return -1;
  } else if constexpr (V::shape::rank == (Length == 1 ? 1 : 2)) {
    Var mean = cross_entropy(result, ctx.template labels<Length>());
    return keep(mean).id;
  } else {
    return result.id;
  }
}
// Of several heads: the sum of their losses.
template <std::size_t Length, class... V, class Context>
constexpr int loss_id(const std::tuple<V...>& results, Context& ctx) {
  return std::apply(
      [&](const auto&... result) {
        (keep(result), ...);
        if constexpr ((V::tracked || ...)) {
          Var sum = (cross_entropy(result, ctx.template labels<Length>()) + ...);
          return keep(sum).id;
        } else {
          return -1;
        }
      },
      results);
}
// Records such a step and plans it.
template <class Of, class M>
constexpr void plan_step_of(M& module, Trace& trace, Plan& plan, const Planning& planning, Scopes* scopes = nullptr) {
  Meta<typename M::policy, Of::has_gradients> meta{&trace};
  meta.scopes = scopes;
  const int loss = loss_id<labels_per_sample<M>()>(trace_module(module, trace, meta), meta);
  plan_step(trace, loss, element_bytes_of<typename M::policy>, plan, planning);
}

struct MemoryCost {
  ArenaBytes arena, lower_bound, saved;
};
template <class M, class Of, Planning planning>
struct PlanMemory {
  constexpr MemoryCost operator()() const {
    const Large<Trace> trace;
    const Large<Plan> plan;
    M module{};
    plan_step_of<Of>(module, *trace, *plan, planning);
    return {plan->arena, plan->lower_bound, plan->saved};
  }
};
template <class M, class Of, Planning planning>
#ifdef __CUDACC__  // nvcc has no memory in template arguments
inline constexpr MemoryCost memory_cost = PlanMemory<M, Of, planning>{}();
#else
inline constexpr MemoryCost memory_cost = constant_of<M, PlanMemory<M, Of, planning>>(0);
#endif

}  // namespace detail

// Bytes of the arena of a step of M on `batch` samples: all its values, gradients of values, state and scratch; not the
// parameters, their gradients and the batch itself. Equal to arena_bytes() of the step at run time.
template <class M, class Of = training, Planning planning = Planning{}>
constexpr std::size_t arena_bytes(std::size_t batch) {
  return detail::memory_cost<M, Of, planning>.arena.of(batch);
}
// The largest sum of bytes that are alive at once: no arena for the same step can be smaller.
template <class M, class Of = training, Planning planning = Planning{}>
constexpr std::size_t arena_lower_bound(std::size_t batch) {
  return detail::memory_cost<M, Of, planning>.lower_bound.of(batch);
}
// Bytes that forward leaves for backward: the saved activations.
template <class M, Planning planning = Planning{}>
constexpr std::size_t activation_bytes(std::size_t batch) {
  return detail::memory_cost<M, training, planning>.saved.of(batch);
}

}  // namespace vitrail::inline VITRAIL_TU
