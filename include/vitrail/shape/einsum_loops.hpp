// einsum_loops.hpp - the einsums that are no matrix product: elementwise ones, and sums of few results.
#pragma once

#include <cstddef>

#include "einsum.hpp"

namespace vitrail::inline VITRAIL_TU {

// How a plan is computed. product: by Backend::product. lanes: lanes move along one axis of the result, each summing
// for itself, if there is anything to sum. runs: lanes move along the axis that is summed, one result at a time.
enum class einsum_path : unsigned char { product, lanes, runs };

constexpr bool sums_nothing(const EinsumPlan& plan) { return plan.inner == 1 && plan.independent == plan.loops.size(); }

namespace detail {
// The axis along which the result is contiguous; extent 1 if it has a single element.
constexpr EinsumAxis lane_axis(const EinsumPlan& plan) {
  if (plan.columns > 1) return {plan.columns, 0, plan.right_column, 1};
  for (std::size_t i = 0; i < plan.independent; ++i) {
    if (plan.loops[i].result == 1) return plan.loops[i];
  }
  return {1, 0, 0, 1};
}
}  // namespace detail

// Nothing to sum is one multiplication for each result. An innermost axis of all three tensors ("i k h, j k h -> i j
// h") would be products of one column. A single row or column of sums reads its matrix once: packing it would cost
// more.
constexpr einsum_path path_of(const EinsumPlan& plan) {
  if (sums_nothing(plan)) return einsum_path::lanes;
  const EinsumAxis axis = detail::lane_axis(plan);
  if (plan.columns == 1 && axis.extent > 1 && axis.left <= 1 && axis.right <= 1) return einsum_path::lanes;
  const bool is_vector = plan.rows == 1 || plan.columns == 1;
  return is_vector && plan.left_inner == 1 && plan.right_inner == 1 ? einsum_path::runs : einsum_path::product;
}

// A plan that is no product, as loops round one contiguous axis. Integers only, trivially copyable.
struct EinsumLoops {
  EinsumAxes outer, sums;
  EinsumAxis steps;  // the innermost of the sums, so that a turn of it costs no division
  EinsumAxis inner;  // of the result (lanes) or of the sum (runs)

  static constexpr std::size_t turns(const EinsumAxes& loops) {
    std::size_t count = 1;
    for (const EinsumAxis& loop : loops) count *= loop.extent;
    return count;
  }
  // Where turn `turn` of some loops begins in the three tensors; extent means nothing.
  static constexpr EinsumAxis position(const EinsumAxes& loops, std::size_t turn) {
    EinsumAxis at;
    for (std::size_t i = loops.size(); i-- > 0; turn /= loops[i].extent) {
      const std::size_t index = turn % loops[i].extent;
      at.left += index * loops[i].left, at.right += index * loops[i].right, at.result += index * loops[i].result;
    }
    return at;
  }
  constexpr std::size_t terms() const { return turns(sums) * steps.extent; }
};

constexpr EinsumLoops loops_of(const EinsumPlan& plan, einsum_path path) {
  EinsumLoops loops;
  const EinsumAxis sum{plan.inner, plan.left_inner, plan.right_inner, 0};
  const EinsumAxis columns{plan.columns, 0, plan.right_column, 1};
  const bool lanes = path == einsum_path::lanes;
  loops.inner = lanes ? detail::lane_axis(plan) : sum;
  for (std::size_t i = 0; i < plan.loops.size(); ++i) {
    if (i >= plan.independent) {
      loops.sums.push_back(plan.loops[i]);
    } else if (!lanes || plan.columns > 1 || plan.loops[i].result != 1) {
      loops.outer.push_back(plan.loops[i]);
    }
  }
  if (plan.rows > 1) loops.outer.push_back({plan.rows, plan.left_row, 0, plan.result_row});
  if (!lanes && plan.columns > 1) loops.outer.push_back(columns);
  if (lanes && plan.inner > 1) loops.sums.push_back(sum);
  if (!loops.sums.empty()) {
    const std::size_t last = loops.sums.size() - 1;
    loops.steps = loops.sums[last];
    loops.sums.erase(last);
  }
  return loops;
}

}  // namespace vitrail::inline VITRAIL_TU
