// plan.hpp - from a trace, before anything runs: which gradients exist and how each is written, and where everything
// lies.
#pragma once

#include <algorithm>
#include <array>

#include "../backend/memory.hpp"
#include "trace.hpp"

namespace vitrail::inline VITRAIL_TU {

// A place in the arena, in bytes. Batched places are multiplied by the batch count, so their sizes are multiples of the
// alignment by themselves: rounding up the product instead would run into the neighbour.
struct Place {
  std::size_t bytes = 0, offset = 0;
  bool batched = false;
};
// Room for a Space of an operation: its two parts lie in the two regions.
struct PlacePair {
  Place per_sample, fixed;
};

struct Plan {
  std::array<std::array<Mode, max_inputs>, max_operations> mode{};
  std::array<bool, max_operations> live{};    // the loss reaches the operation's output
  std::array<bool, max_values> reached{};     // a gradient arrives (a parameter that is not reached has none)
  std::array<int, max_values> gradient_of{};  // the value whose gradient's memory it shares; itself, if its own
  std::array<Place, max_values> value, gradient;
  std::array<PlacePair, max_operations> state;
  PlacePair work;                                  // shared: scratch dies with its operation
  std::size_t batched_bytes = 0, fixed_bytes = 0;  // the arena: batched_bytes * count + fixed_bytes
};

namespace detail {

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

// May the gradient of input v of operation k live in the memory of the output's gradient? Only if nobody who shares
// that memory is read after v is written again, and the other way round; never for the loss, a parameter, or an operand
// that occurs twice (x + x + y: the second contribution would reach y).
constexpr bool may_alias(const Trace& trace, const Plan& plan, int v, int k) {
  const OperationRecord& operation = trace.operations[static_cast<std::size_t>(k)];
  const ValueRecord& value = trace.values[static_cast<std::size_t>(v)];
  const auto output = static_cast<std::size_t>(operation.output);
  std::size_t times = 0;
  for (std::size_t j = 0; j < operation.input_count; ++j) times += operation.inputs[j] == v;
  const bool same_size =
      value.batched == trace.values[output].batched && value.elements == trace.values[output].elements;
  if (times > 1 || v < static_cast<int>(trace.parameters) || !same_size) return false;
  const int root = plan.gradient_of[output], again = next_contribution(trace, v, k);
  for (int u = 0; u < static_cast<int>(trace.values.size()); ++u) {
    const auto other = static_cast<std::size_t>(u);
    const bool shares = u != v && u != operation.output && plan.gradient_of[other] == root && plan.reached[other];
    if (!shares || trace.values[other].producer >= k) continue;  // read at its producer, which is past
    if (trace.values[other].producer <= again || value.producer <= next_contribution(trace, u, k)) return false;
  }
  return true;
}

// Walks backward from the loss: which operations have a backward, which values a gradient, and who writes it first.
constexpr void plan_gradients(const Trace& trace, int loss, Plan& plan) {
  for (std::size_t v = 0; v < trace.values.size(); ++v) plan.gradient_of[v] = static_cast<int>(v);
  if (loss < 0) return;
  plan.reached[static_cast<std::size_t>(loss)] = true;
  for (int k = static_cast<int>(trace.operations.size()) - 1; k >= 0; --k) {
    const auto at = static_cast<std::size_t>(k);
    const OperationRecord& operation = trace.operations[at];
    if (!operation.tracked || !plan.reached[static_cast<std::size_t>(operation.output)]) continue;
    plan.live[at] = true;
    for (std::size_t i = 0; i < operation.input_count; ++i) {
      const int v = operation.inputs[i];
      if (v < 0 || !trace.values[static_cast<std::size_t>(v)].tracked) continue;
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
        plan.gradient_of[static_cast<std::size_t>(v)] = plan.gradient_of[static_cast<std::size_t>(operation.output)];
      }
    }
  }
}

// Gives out places one after the other. Nothing is reused yet: a planner that frees what died takes this one's place.
struct Bump {
  Plan& plan;
  constexpr Place operator()(std::size_t bytes, bool batched) const {
    std::size_t& top = batched ? plan.batched_bytes : plan.fixed_bytes;
    const Place place{HostMemory::round_up(bytes), top, batched};
    top += place.bytes;
    return place;
  }
};

}  // namespace detail

// `loss` is the value that backward starts from, or -1 for a step without gradients; `element` is sizeof(P::value).
constexpr void plan_step(const Trace& trace, int loss, std::size_t element, Plan& plan) {
  detail::plan_gradients(trace, loss, plan);
  const detail::Bump place{plan};
  Space work;
  auto widen = [&](const Space& s) { work = {std::max(work.per_sample, s.per_sample), std::max(work.fixed, s.fixed)}; };
  for (std::size_t v = 0; v < trace.values.size(); ++v) {
    const ValueRecord& value = trace.values[v];
    if (value.producer >= 0) plan.value[v] = place(value.elements * element, value.batched);
    if (loss >= 0 && v >= trace.parameters && plan.reached[v] && plan.gradient_of[v] == static_cast<int>(v)) {
      plan.gradient[v] = place(value.elements * element, value.batched);
    }
  }
  for (std::size_t k = 0; k < trace.operations.size(); ++k) {
    const OperationRecord& operation = trace.operations[k];
    const Space& state = operation.facts.state;
    plan.state[k] = {place(state.per_sample * element, operation.batched), place(state.fixed * element, false)};
    widen(operation.facts.forward_work);
    if (plan.live[k]) widen(operation.facts.backward_work);
  }
  plan.work = {place(work.per_sample * element, true), place(work.fixed * element, false)};
}

}  // namespace vitrail::inline VITRAIL_TU
