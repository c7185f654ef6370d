// meta.hpp - the context that only counts: it records a step's shapes, facts and connections, at run time or in a
// constant.
#pragma once

#include <cstddef>
#include <vector>

#include "../error.hpp"
#include "driver.hpp"
#include "scopes.hpp"
#include "trace.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class S>
struct error_backward_within_a_step_there_is_no_double_backward;

// How the operations of a trace read the model's parameters: `rows` is the first extent of a weight that an operation
// reads in the product kernel's own layout if it is there, 0 where it reads the values as they lie.
struct ParameterRead {
  const void* values = nullptr;
  std::size_t rows = 0;
};

// Traces for P's backend; no kernel of P is instantiated. Gradients: trainable parameters are tracked.
// Training: dropout and drop path are there.
template <class P, bool Gradients, bool Training = Gradients>
struct Meta {
  using policy = P;
  using value = typename P::value;
  static constexpr bool gradients = Gradients, training = Training;
  Trace* trace;
  int segment = -1;                             // the recomputed segment that is open
  Scopes* scopes = nullptr;                     // if given, which module each operation is in; not in constants
  std::vector<ParameterRead>* reads = nullptr;  // likewise

  template <class S, bool Batched>
  constexpr auto input() {
    trace->values.push_back({S::size, -1, Batched, false});
    return Var<S, Batched, false, Meta>(this, static_cast<int>(trace->values.size()) - 1, nullptr);
  }
  template <std::size_t Length = 1>
  constexpr LabelsVar<Meta, Length> labels() {
    return {this, nullptr};
  }
  // Whether the parameter is one of the model's is checked by the tape, which knows the values.
  constexpr void check_parameter(int slot, const value*) const {
    if (slot >= static_cast<int>(trace->values.size())) throw error("a parameter of another model is in this step");
  }

  constexpr void keep(int id) { trace->values[static_cast<std::size_t>(id)].kept = true; }
  // A segment within a segment is a part of it. Returns whether one was opened.
  constexpr bool open_segment() {
    if (segment >= 0) return false;
    segment = trace->segments++;
    return true;
  }
  constexpr void close_segment() { segment = -1; }
  // A step runs backward after its callable; gradients are no values of a step.
  template <class V>
  constexpr void backward(const V&) const {
    (void)sizeof(error_backward_within_a_step_there_is_no_double_backward<typename V::shape>);
  }
  template <class V>
  constexpr const value* gradient(const V& v) const {
    backward(v);
    return nullptr;
  }

  template <class Op, class... V>
  constexpr auto run(const Op&, const V&... v) {
    using Call = Signature<Op, P, V...>;
    (void)Call::check();  // no static_assert: a failed one would repeat the whole chain of instantiations
    const int id = static_cast<int>(trace->values.size());
    trace->values.push_back(
        {Op::shape::size, static_cast<int>(trace->operations.size()), Call::batched, Call::tracked});
    OperationRecord record;
    record.name = Op::name;
    record.output = id;
    record.segment = segment;
    record.tracked = Call::tracked;
    record.batched = Call::any_batched;
    record.facts = Call::facts;
    ((record.tracked_inputs |= unsigned(V::tracked) << record.input_count, record.inputs[record.input_count++] = v.id),
     ...);
    trace->operations.push_back(record);
    if (scopes) scopes->of_operation.push_back(scopes->open);
    if (reads) {
      unsigned packed = detail::packed_inputs<Op>();
      ((v.id < 0 ? reads->push_back({v.data, packed & 1 ? first_extent<typename V::shape>() : 0}) : void(),
        packed >>= 1),
       ...);
    }
    return typename Call::template result<Meta>(this, id, nullptr);
  }

 private:
  template <class S>
  static constexpr std::size_t first_extent() {
    if constexpr (S::rank > 0) {
      return S::dims[0];
    } else {
      return 0;
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU
