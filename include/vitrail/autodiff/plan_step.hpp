// plan_step.hpp - plans a traced step: gradients, then the order of events, then lifetimes, then places.
#pragma once

#include "large.hpp"
#include "plan_events.hpp"
#include "plan_memory.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

constexpr void plan_lifetimes(const Trace& trace, int loss, const ElementBytes& element, const Recomputation& why,
                              Plan& plan) {
  const Lifetimes lifetimes{trace, plan, element};
  const int forward_events = static_cast<int>(trace.operations.size()), end = static_cast<int>(plan.events.size());
  for (int t = 0; t < end; ++t) {
    const Event event = plan.events[static_cast<std::size_t>(t)];
    const auto k = static_cast<std::size_t>(event.operation);
    if (t == forward_events && loss >= 0) lifetimes.use_gradient(loss, t);  // 1 is written there before anything else
    if (event.kind == Event::forward) lifetimes.forward(k, t);
    if (event.kind == Event::again) lifetimes.again(k, t, why);
    if (event.kind == Event::backward) lifetimes.backward(k, t);
  }
  for (std::size_t v = 0; v < trace.values.size(); ++v) {
    if (trace.values[v].kept && plan.value[v].bytes) plan.value[v].last = end;
    plan.value_of[v] = static_cast<int>(v);
    plan.last_read[v] = plan.value[v].last;
  }
}
constexpr void give_places(const Trace& trace, Plan& plan, bool batched) {
  const Large<Packer> packer;
  Places& places = packer->places;
  collect(plan, trace, batched, places);
  const int turn = static_cast<int>(trace.operations.size()), events = static_cast<int>(plan.events.size());
  auto region = [batched](ArenaBytes& bytes) -> std::size_t& { return batched ? bytes.batched : bytes.fixed; };
  for (const Place* place : places) {
    if (place->first < turn && place->last >= turn) region(plan.saved) += place->bytes;
  }
  region(plan.arena) = packer->pack(turn, events);
  region(plan.lower_bound) = most_alive(places, events);
}

}  // namespace detail

// `loss` is the value that backward starts from, or -1 for a step without gradients.
constexpr void plan_step(const Trace& trace, int loss, const ElementBytes& element, Plan& plan,
                         const Planning& planning = {}) {
  detail::plan_gradients(trace, loss, plan);
  {
    const detail::Large<detail::Recomputation> recomputation(trace, plan);
    recomputation->decide(planning);
    detail::plan_lifetimes(trace, loss, element, *recomputation, plan);
  }
  detail::merge_in_place(trace, plan);
  detail::give_places(trace, plan, true);
  detail::give_places(trace, plan, false);
}

}  // namespace vitrail::inline VITRAIL_TU
