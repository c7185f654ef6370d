// schedule.hpp - what a step or a predictor has of the model's operations before they run: their trace and plan; and
// whether a batch and its labels belong together.
#pragma once

#include <cstddef>
#include <string>

#include "../error.hpp"
#include "plan_step.hpp"
#include "scopes.hpp"
#include "var.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

inline void check_counts(const char* what, std::size_t samples, std::size_t labels, std::size_t per_sample = 1) {
  if (samples == 0) throw shape_error(std::string(what) + ": the batch has no samples");
  if (samples * per_sample != labels) {
    throw shape_error(std::string(what) + ": " + std::to_string(samples) + " samples" +
                      (per_sample == 1 ? "" : " of " + std::to_string(per_sample) + " labels") + ", but " +
                      std::to_string(labels) + " labels");
  }
}
// A trace and a plan are large arrays: they live on the heap, made once per step.
struct Schedule {
  Trace trace;
  Plan plan;
  Scopes scopes;
};
template <class Model, class F>
constexpr std::size_t labels_of_step() {
  if constexpr (requires { F::labels_per_sample; }) {
    return F::labels_per_sample;
  } else {
    return labels_per_sample<typename Model::module>();
  }
}
template <class Model>
void declare_parameters(const Model& model, Trace& trace) {
  trace.parameters = model.trainable().table.size();
  for (const auto& info : model.trainable().table) trace.values.push_back(ValueRecord{info.size, -1, false, true});
}

}  // namespace vitrail::inline VITRAIL_TU::detail
