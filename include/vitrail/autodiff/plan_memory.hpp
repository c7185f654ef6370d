// plan_memory.hpp - from the order of events: how long everything lives, what may be written over what, and where it
// lies.
#pragma once

#include <algorithm>

#include "../backend/memory.hpp"
#include "pack.hpp"
#include "plan_events.hpp"
#include "plan_gradients.hpp"
#include "stored.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Extends the life of everything that an event touches.
struct Lifetimes {
  const Trace& trace;
  Plan& plan;
  ElementBytes element;

  constexpr const OperationRecord& operation(std::size_t k) const { return trace.operations[k]; }
  static constexpr void touch(Place& place, int t) {
    if (place.first < 0) place.first = t;
    place.last = std::max(place.last, t);
  }
  static constexpr void make(Place& place, std::size_t bytes, bool batched, int t) {
    if (!bytes) return;
    place.bytes = HostMemory::round_up(bytes);
    place.batched = batched;
    touch(place, t);
  }
  constexpr void make(Place& place, const ValueRecord& value, int t) const {
    make(place, value.elements * (value.batched ? element.stored : element.value), value.batched, t);
  }
  constexpr void make(PlacePair& pair, const Space& space, bool batched, int t) const {
    make(pair.per_sample, space.per_sample * element.value, batched, t);
    make(pair.fixed, space.fixed * element.value, false, t);
  }
  static constexpr void touch(PlacePair& pair, int t) {
    if (pair.per_sample.bytes) touch(pair.per_sample, t);
    if (pair.fixed.bytes) touch(pair.fixed, t);
  }

  // A value's second place is used where backward cannot read the first.
  constexpr bool has_second_place(std::size_t v) const {
    const ValueRecord& value = trace.values[v];
    return value.producer >= 0 && plan.again[v].bytes;
  }
  constexpr void read_at_backward(int v, int t) const {
    if (v < 0) return;
    const auto at = static_cast<std::size_t>(v);
    if (has_second_place(at)) {
      touch(plan.again[at], t);
    } else if (plan.value[at].bytes) {
      touch(plan.value[at], t);
    }
  }
  constexpr void use_gradient(int v, int t) const {
    if (v < static_cast<int>(trace.parameters)) return;  // it lies in the model's buffer
    const ValueRecord& value = trace.values[static_cast<std::size_t>(v)];
    const auto root = static_cast<std::size_t>(plan.gradient_of[static_cast<std::size_t>(v)]);
    make(plan.gradient[root], value, t);
  }

  constexpr void forward(std::size_t k, int t) const {
    const OperationRecord& o = operation(k);
    const auto out = static_cast<std::size_t>(o.output);
    make(plan.value[out], trace.values[out], t);
    make(plan.state[k], o.facts.state, o.batched, t);
    make(plan.forward_work[k], o.facts.forward_work, o.batched, t);
    for (std::size_t i = 0; i < o.input_count; ++i) {
      if (o.inputs[i] >= 0 && plan.value[static_cast<std::size_t>(o.inputs[i])].bytes) {
        touch(plan.value[static_cast<std::size_t>(o.inputs[i])], t);
      }
    }
  }
  constexpr void again(std::size_t k, int t, const Recomputation& why) const {
    const OperationRecord& o = operation(k);
    const auto out = static_cast<std::size_t>(o.output);
    for (std::size_t i = 0; i < o.input_count; ++i) read_at_backward(o.inputs[i], t);
    if (why.use[out].outside && o.segment >= 0) {
      touch(plan.value[out], t);  // for the state only: the same bits go to the place where they are
    } else {
      make(plan.again[out], trace.values[out], t);
    }
    make(plan.state_again[k], o.facts.state, o.batched, t);
    make(plan.again_work[k], o.facts.forward_work, o.batched, t);
  }
  constexpr void backward(std::size_t k, int t) const {
    const OperationRecord& o = operation(k);
    for (std::size_t i = 0; i < o.input_count; ++i) {
      if ((o.facts.saves >> i) & 1) read_at_backward(o.inputs[i], t);
      if (plan.mode[k][i] != Mode::none) use_gradient(o.inputs[i], t);
    }
    if (o.facts.saves & output_bit) read_at_backward(o.output, t);
    use_gradient(o.output, t);
    touch(plan.rerun[k] ? plan.state_again[k] : plan.state[k], t);
    make(plan.backward_work[k], o.facts.backward_work, o.batched, t);
  }
};

// An output is written over an input that nobody needs any more, where the operation allows it.
constexpr void merge_in_place(const Trace& trace, Plan& plan) {
  for (std::size_t k = 0; k < trace.operations.size(); ++k) {
    const OperationRecord& o = trace.operations[k];
    const auto out = static_cast<std::size_t>(o.output);
    for (std::size_t i = 0; i < o.input_count; ++i) {
      if (!((o.facts.in_place >> i) & 1) || o.inputs[i] < 0 || occurrences(o, o.inputs[i]) > 1) continue;
      Place& from = plan.value[static_cast<std::size_t>(plan.value_of[static_cast<std::size_t>(o.inputs[i])])];
      Place& to = plan.value[out];
      const bool fits = from.bytes && from.bytes == to.bytes && from.batched == to.batched;
      if (!fits || from.last != static_cast<int>(k)) continue;
      plan.value_of[out] = plan.value_of[static_cast<std::size_t>(o.inputs[i])];
      from.last = to.last;
      to = {};
      break;
    }
  }
}

// All places of one region, those of one operation together.
constexpr void collect(Plan& plan, const Trace& trace, bool batched, Places& places) {
  auto add = [&](Place& place) {
    if (place.bytes && place.batched == batched) places.push_back(&place);
  };
  auto add_both = [&](PlacePair& pair) {
    add(pair.per_sample);
    add(pair.fixed);
  };
  for (std::size_t v = 0; v < trace.values.size(); ++v) {
    add(plan.value[v]);
    add(plan.again[v]);
    add(plan.gradient[v]);
  }
  for (std::size_t k = 0; k < trace.operations.size(); ++k) {
    add_both(plan.state[k]);
    add_both(plan.state_again[k]);
    add_both(plan.forward_work[k]);
    add_both(plan.backward_work[k]);
    add_both(plan.again_work[k]);
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
