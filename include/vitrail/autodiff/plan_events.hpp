// plan_events.hpp - what runs again in backward instead of being kept, and the order of a step's events that follows.
#pragma once

#include <algorithm>

#include "plan.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Who needs a value while backward runs.
struct BackwardUse {
  bool inside = false;        // somebody in the producer's own recomputed segment
  bool outside = false;       // anybody else: the value of forward must be kept
  bool by_rerun = false;      // among those, an operation that runs again
  int first = -1;             // the operation whose backward reads it first, which is the last one,
  int last = max_operations;  // and the one whose backward reads it last
};

struct Recomputation {
  const Trace& trace;
  Plan& plan;
  BackwardUse use[max_values] = {};
  int before[max_operations] = {};  // a cheap rerun takes place before the backward of this operation

  constexpr const OperationRecord& operation(int k) const { return trace.operations[static_cast<std::size_t>(k)]; }
  constexpr int segment_of(int v) const {
    const int producer = trace.values[static_cast<std::size_t>(v)].producer;
    return producer < 0 ? -1 : operation(producer).segment;
  }
  constexpr void need(int v, int k, bool by_rerun) {
    if (v < 0) return;
    BackwardUse& u = use[static_cast<std::size_t>(v)];
    const int segment = operation(k).segment;
    (segment >= 0 && segment_of(v) == segment ? u.inside : u.outside) = true;
    u.by_rerun |= by_rerun;
    u.first = std::max(u.first, k);
    u.last = std::min(u.last, k);
  }

  // Whole segments (vt::recompute): an operation runs again if its backward needs its state, or something in its
  // segment its result. What is needed outside is kept.
  constexpr void rerun_segments() {
    for (int k = static_cast<int>(trace.operations.size()) - 1; k >= 0; --k) {
      const auto at = static_cast<std::size_t>(k);
      const OperationRecord& o = operation(k);
      for (std::size_t i = 0; i < o.input_count; ++i) {
        if (plan.live[at] && ((o.facts.saves >> i) & 1)) need(o.inputs[i], k, false);
      }
      if (plan.live[at] && (o.facts.saves & output_bit)) need(o.output, k, false);
      if (o.segment < 0) continue;
      const auto out = static_cast<std::size_t>(o.output);
      const bool state = plan.live[at] && (o.facts.state.per_sample || o.facts.state.fixed);
      const bool result = use[out].inside && !use[out].outside && !trace.values[out].kept;
      plan.rerun[at] = state || result;
      for (std::size_t i = 0; plan.rerun[at] && i < o.input_count; ++i) need(o.inputs[i], k, true);
    }
  }

  // Can the result of k come from inputs that backward needs anyhow, as long as it needs the result?
  constexpr bool is_cheap(int k) const {
    const OperationRecord& o = operation(k);
    const auto out = static_cast<std::size_t>(o.output);
    const BackwardUse& u = use[out];
    if (!o.facts.recompute_cost || o.segment >= 0 || u.first <= k || u.last <= k || u.by_rerun) return false;
    if (trace.values[out].kept || !trace.values[out].batched) return false;
    for (std::size_t i = 0; i < o.input_count; ++i) {
      const int v = o.inputs[i];
      if (is_external(v)) continue;
      const BackwardUse& input = use[static_cast<std::size_t>(v)];
      if (!input.outside || input.last > u.first) return false;
    }
    return true;
  }
  constexpr bool inputs_stay(const OperationRecord& o) const {
    for (std::size_t i = 0; i < o.input_count; ++i) {
      const int v = o.inputs[i];
      if (!is_external(v) && plan.rerun[producer(v)]) return false;
    }
    return true;
  }
  constexpr bool is_external(int v) const {  // a parameter or an input of the step
    return v < 0 || trace.values[static_cast<std::size_t>(v)].producer < 0;
  }
  constexpr std::size_t producer(int v) const {
    return static_cast<std::size_t>(trace.values[static_cast<std::size_t>(v)].producer);
  }
  constexpr void rerun_cheap(double share) {
    double budget = 0;
    FixedVector<int, max_operations> candidates;
    for (int k = 0; k < static_cast<int>(trace.operations.size()); ++k) {
      const Facts& facts = operation(k).facts;
      budget += static_cast<double>(facts.flops + facts.recompute_cost);
      if (plan.live[static_cast<std::size_t>(k)]) {
        budget += static_cast<double>(facts.backward_flops + facts.recompute_cost);
      }
      if (is_cheap(k)) candidates.push_back(k);
    }
    budget *= share;
    auto saving = [&](int k) {
      return static_cast<double>(trace.values[static_cast<std::size_t>(operation(k).output)].elements) /
             static_cast<double>(operation(k).facts.recompute_cost);
    };
    std::sort(candidates.begin(), candidates.end(),
              [&](int a, int b) { return saving(a) != saving(b) ? saving(a) > saving(b) : a < b; });
    for (const int k : candidates) {
      const OperationRecord& o = operation(k);
      BackwardUse& result = use[static_cast<std::size_t>(o.output)];
      const auto cost = static_cast<double>(o.facts.recompute_cost);
      if (cost > budget || result.by_rerun || !inputs_stay(o)) continue;
      budget -= cost;
      plan.rerun[static_cast<std::size_t>(k)] = true;
      before[static_cast<std::size_t>(k)] = result.first;
      for (std::size_t i = 0; i < o.input_count; ++i) {
        if (o.inputs[i] >= 0) use[static_cast<std::size_t>(o.inputs[i])].by_rerun = true;
      }
    }
  }

  constexpr void decide(const Planning& planning) {
    rerun_segments();
    rerun_cheap(planning.recompute_share);
    order_events();
  }

 private:
  // An operation that runs again does so before `before` of it; a whole segment before the first backward of one of its
  // operations.
  constexpr void order_events() {
    const int count = static_cast<int>(trace.operations.size());
    int segment_starts[max_operations] = {}, head[max_operations] = {}, next[max_operations] = {};
    for (int k = 0; k < count; ++k) {
      plan.events.push_back({Event::forward, k});
      head[static_cast<std::size_t>(k)] = -1;
      const int segment = operation(k).segment;
      if (segment >= 0 && plan.live[static_cast<std::size_t>(k)]) segment_starts[static_cast<std::size_t>(segment)] = k;
    }
    for (int k = count - 1; k >= 0; --k) {
      const auto at = static_cast<std::size_t>(k);
      if (!plan.rerun[at]) continue;
      const int segment = operation(k).segment;
      const int j = segment >= 0 ? segment_starts[static_cast<std::size_t>(segment)] : before[at];
      next[at] = head[static_cast<std::size_t>(j)];
      head[static_cast<std::size_t>(j)] = k;
    }
    for (int j = count - 1; j >= 0; --j) {
      if (!plan.live[static_cast<std::size_t>(j)]) continue;
      for (int k = head[static_cast<std::size_t>(j)]; k >= 0; k = next[static_cast<std::size_t>(k)]) {
        plan.events.push_back({Event::again, k});
      }
      plan.events.push_back({Event::backward, j});
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::detail
