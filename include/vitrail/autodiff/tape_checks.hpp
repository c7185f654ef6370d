// tape_checks.hpp - what a step tape refuses, in words: control flow that changed, values that died, values that are
// not finite.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "../backend/values.hpp"
#include "../error.hpp"
#include "plan.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// What a call says of itself, to be compared with the trace.
struct CallFacts {
  const char* name;
  std::size_t elements;
  bool any_batched, batched, tracked;
  Facts facts;
};

// "operation 12 (linear, blocks.3.mlp.fc1)"; paths may be empty.
inline std::string operation_name(const Trace& trace, std::size_t k, const std::vector<std::string>& paths) {
  std::string name = "operation " + std::to_string(k) + " (" + trace.operations[k].name;
  if (k < paths.size() && !paths[k].empty()) name += ", " + paths[k];
  return name + ")";
}

// Places and gradients are those of the trace: another operation, size or input would read and write past them.
inline void check_trace(const Trace& trace, std::size_t k, int id, const CallFacts& call, const int* ids,
                        std::size_t inputs) {
  const bool there = k < trace.operations.size();
  const OperationRecord* traced = there ? &trace.operations[k] : nullptr;
  if (!there || traced->output != id || std::string_view(traced->name) != call.name) {
    throw error("step: operation " + std::to_string(k) + " is " + call.name + ", but when the step was made it was " +
                (there ? traced->name : "the end") + ": the control flow of a step must not change");
  }
  const ValueRecord& value = trace.values[static_cast<std::size_t>(id)];
  if (value.elements == call.elements && value.batched == call.batched && traced->tracked == call.tracked &&
      traced->batched == call.any_batched && traced->input_count == inputs &&
      std::equal(ids, ids + inputs, traced->inputs)) {
    return;
  }
  throw error("step: operation " + std::to_string(k) + ", " + call.name +
              ", has other inputs or another shape than when the step was made: the control flow of a step must not "
              "change");
}
inline void check_trace_end(const Trace& trace, std::size_t next_operation, int id, int traced_id) {
  if (next_operation == trace.operations.size() && id == traced_id) return;
  throw error("step: it ends after operation " + std::to_string(next_operation) + " with value " + std::to_string(id) +
              ", but when it was made after operation " + std::to_string(trace.operations.size()) + " with value " +
              std::to_string(traced_id) + ": the control flow of a step must not change");
}

// Is value v still in its memory after the operations before `next_operation`, or after the step (its last event)?
inline void check_alive(const Trace& trace, const Plan& plan, std::size_t v, std::size_t next_event,
                        const std::vector<std::string>& paths) {
  const ValueRecord& value = trace.values[v];
  if (value.producer < 0 || plan.last_read[v] >= static_cast<int>(next_event)) return;
  std::string reader = "nobody reads it";
  if (plan.last_read[v] > value.producer) {
    const Event& last = plan.events[static_cast<std::size_t>(plan.last_read[v])];
    reader = "its memory was given to others after ";
    reader += last.kind == Event::forward ? "" : "the backward of ";
    reader += operation_name(trace, static_cast<std::size_t>(last.operation), paths);
  }
  throw error("the result of " + operation_name(trace, static_cast<std::size_t>(value.producer), paths) +
              " is not there any more: " + reader + "; return it from the step, or vt::keep it");
}

// The first of `size` values that is infinite or NaN, or `size`.
template <class Memory, class T>
std::size_t first_not_finite(const T* values, std::size_t size) {
  std::vector<T> room;
  values = on_host<Memory>(values, size, room);
  return static_cast<std::size_t>(std::find_if(values, values + size, [](T x) { return !std::isfinite(x); }) - values);
}

}  // namespace vitrail::inline VITRAIL_TU::detail
