// trace.hpp - the record of a step: its operations and values in order. Fixed capacity, so that it also exists in
// constants.
#pragma once

#include "../shape/fixed_vector.hpp"
#include "facts.hpp"

namespace vitrail::inline VITRAIL_TU {

// ViT-H has 32 blocks of 8 operations; what is beyond ends with a message that names the capacity.
inline constexpr std::size_t max_operations = 512, max_values = 1024;

struct OperationRecord {
  const char* name = "";
  int output = -1;
  int inputs[max_inputs] = {-1, -1, -1, -1, -1, -1, -1, -1};  // values; -1: a frozen parameter
  std::size_t input_count = 0;
  unsigned tracked_inputs = 0;  // bit i: a gradient flows back to input i, if it has one
  int segment = -1;             // the recomputed segment that it is part of
  bool tracked = false;
  bool batched = false;  // it runs over the samples, even if its result (a loss) is one for all
  Facts facts;
};
struct ValueRecord {
  std::size_t elements = 0;
  int producer = -1;  // operation; -1: an input of the step or a parameter
  bool batched = false, tracked = false;
  bool kept = false;  // to the end of the step
};

// The first `parameters` values are the trainable parameters, by slot; then come inputs and results in the order of the
// step.
struct Trace {
  FixedVector<OperationRecord, max_operations> operations;
  FixedVector<ValueRecord, max_values> values;
  std::size_t parameters = 0;
  int segments = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
