// cost.hpp - what a model costs, as constants: a trace of its forward on no memory.
#pragma once

#include <cstddef>

#include "../autodiff/meta.hpp"
#include "module.hpp"

namespace vitrail::inline VITRAIL_TU {

// FLOPs are of the whole batch; a multiplication and an addition are two. Other projects often call half of this "FLOPs".
struct Cost {
  std::size_t parameters = 0, trainable = 0, forward_flops = 0, backward_flops = 0;
};

// static_assert(vt::cost_of<vt::ViT_B16<>>(1).parameters == 86'567'656); M's forward functions must be constexpr.
template <class M>
constexpr Cost cost_of(std::size_t batch) {
  using policy = typename M::policy;
  Trace trace;
  M module{};
  trace.parameters = number_slots(module);
  for (std::size_t i = 0; i < trace.parameters; ++i) trace.values.push_back({0, -1, false, true});
  Meta<policy, true> meta{&trace};
  (void)module(meta.template input<typename M::input, true>());
  Cost cost{parameter_count<M>(), trainable_count<M>(), 0, 0};
  for (const OperationRecord& operation : trace.operations) {
    const std::size_t count = operation.batched ? batch : 1;
    cost.forward_flops += count * operation.facts.flops;
    if (operation.tracked) cost.backward_flops += count * operation.facts.backward_flops;
  }
  return cost;
}

}  // namespace vitrail::inline VITRAIL_TU
