// plan_gradients.hpp - from a trace: which gradients exist, how each is written, and which share memory.
#pragma once

#include "plan.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// The last operation before k that sends v another gradient: its memory is written again then.
constexpr int next_contribution(const Trace& trace, int v, int k) {
  for (int j = k - 1; j > trace.values[static_cast<std::size_t>(v)].producer; --j) {
    const OperationRecord& operation = trace.operations[static_cast<std::size_t>(j)];
    if (!operation.tracked) continue;
    for (std::size_t i = 0; i < operation.input_count; ++i) {
      if (operation.inputs[i] == v) return j;
    }
  }
  return -1;
}
constexpr std::size_t occurrences(const OperationRecord& operation, int v) {
  std::size_t times = 0;
  for (std::size_t i = 0; i < operation.input_count; ++i) times += operation.inputs[i] == v;
  return times;
}

// May the gradient of input v of operation k live in the memory of the output's gradient? Only if nobody who shares
// that memory is read after v is written again, and the other way round; never for the loss, a parameter, or an operand
// that occurs twice (x + x + y: the second contribution would reach y).
constexpr bool may_alias(const Trace& trace, const Plan& plan, int v, int k) {
  const OperationRecord& operation = trace.operations[static_cast<std::size_t>(k)];
  const ValueRecord& value = trace.values[static_cast<std::size_t>(v)];
  const auto output = static_cast<std::size_t>(operation.output);
  const bool same_size =
      value.batched == trace.values[output].batched && value.elements == trace.values[output].elements;
  if (occurrences(operation, v) > 1 || v < static_cast<int>(trace.parameters) || !same_size) return false;
  const int again = next_contribution(trace, v, k);
  for (int u = plan.gradient_of[output]; u >= 0; u = plan.next_sharing[static_cast<std::size_t>(u)]) {
    const int producer = trace.values[static_cast<std::size_t>(u)].producer;
    if (u == operation.output || producer >= k) continue;  // read at its producer, which is past
    if (producer <= again || value.producer <= next_contribution(trace, u, k)) return false;
  }
  return true;
}

// Walks backward from the loss: which operations have a backward, which values a gradient, and who writes it first.
constexpr void plan_gradients(const Trace& trace, int loss, Plan& plan) {
  for (std::size_t v = 0; v < trace.values.size(); ++v) {
    plan.gradient_of[v] = static_cast<int>(v);
    plan.next_sharing[v] = -1;
  }
  if (loss < 0) return;
  plan.reached[static_cast<std::size_t>(loss)] = true;
  for (int k = static_cast<int>(trace.operations.size()) - 1; k >= 0; --k) {
    const auto at = static_cast<std::size_t>(k);
    const OperationRecord& operation = trace.operations[at];
    if (!operation.tracked || !plan.reached[static_cast<std::size_t>(operation.output)]) continue;
    plan.live[at] = true;
    for (std::size_t i = 0; i < operation.input_count; ++i) {
      const int v = operation.inputs[i];
      if (v < 0 || !((operation.tracked_inputs >> i) & 1)) continue;
      bool& reached = plan.reached[static_cast<std::size_t>(v)];
      Mode& mode = plan.mode[at][i];
      if (reached) {
        mode = Mode::add;
        continue;
      }
      reached = true;
      mode = (operation.facts.partial >> i) & 1 ? Mode::write_zero_rest : Mode::write;
      if (((operation.facts.alias >> i) & 1) && operation.output != loss && may_alias(trace, plan, v, k)) {
        mode = Mode::alias;
        const int root = plan.gradient_of[static_cast<std::size_t>(operation.output)];
        int& next = plan.next_sharing[static_cast<std::size_t>(root)];
        plan.gradient_of[static_cast<std::size_t>(v)] = root;
        plan.next_sharing[static_cast<std::size_t>(v)] = next;
        next = v;
      }
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
