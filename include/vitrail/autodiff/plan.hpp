// plan.hpp - what is decided about a step before it runs: the order of its events, which gradients exist and how each
// is written, what is recomputed, and where everything lies.
#pragma once

#include "trace.hpp"

namespace vitrail::inline VITRAIL_TU {

inline constexpr std::size_t max_events = 3 * max_operations;

// A place in the arena, in bytes, from the event `first` to the event `last`. Batched places are multiplied by the
// batch count, so their sizes are multiples of the alignment by themselves: rounding up the product instead would run
// into the neighbour.
struct Place {
  std::size_t bytes = 0, offset = 0;
  int first = -1, last = -1;
  bool batched = false;
};
// Room for a Space of an operation: its two parts lie in the two regions.
struct PlacePair {
  Place per_sample, fixed;
};
// What happens at one point of a step.
struct Event {
  enum Kind : unsigned char { forward, again, backward } kind = forward;  // again: forward once more, for backward
  int operation = -1;
};
// Bytes of the arena: batched * count + fixed.
struct ArenaBytes {
  std::size_t batched = 0, fixed = 0;
  constexpr std::size_t of(std::size_t count) const { return batched * count + fixed; }
};

// How a step is planned.
struct Planning {
  // Cheap operations (elementwise, norms) run again in backward instead of keeping their results, for at most this
  // share of the step's estimated time; those that save most for their time first.
  double recompute_share = 0.02;
};

struct Plan {
  // The first trace.operations.size() events are the forward of each operation in order.
  FixedVector<Event, max_events> events;
  Mode mode[max_operations][max_inputs] = {};
  bool live[max_operations] = {};     // the loss reaches the operation's output
  bool rerun[max_operations] = {};    // forward runs again in backward
  bool reached[max_values] = {};      // a gradient arrives (a parameter that is not reached has none)
  int gradient_of[max_values] = {};   // the value whose gradient's memory it shares; itself, if its own
  int next_sharing[max_values] = {};  // the next value in the same memory, or -1
  int value_of[max_values] = {};      // the value whose memory it was written over; itself, if its own
  int last_read[max_values] = {};     // the last event at which the value is still there
  // A value that is rerun has a second place, where backward finds it; the first dies in forward.
  Place value[max_values], again[max_values], gradient[max_values];
  PlacePair state[max_operations], state_again[max_operations];
  PlacePair forward_work[max_operations], backward_work[max_operations], again_work[max_operations];
  ArenaBytes arena;
  ArenaBytes lower_bound;  // the largest sum of bytes that are alive at once: no plan with these lifetimes needs less
  ArenaBytes saved;        // alive between forward and backward: the saved activations

  // Where backward finds value v.
  constexpr const Place& at_backward(std::size_t v) const {
    return again[v].bytes ? again[v] : value[static_cast<std::size_t>(value_of[v])];
  }
};

}  // namespace vitrail::inline VITRAIL_TU
