// einsum_order.hpp - three operands as two einsums of two: numpy.einsum_path, at compile time.
#pragma once

#include <array>
#include <cstddef>

#include "axis_extents.hpp"

namespace vitrail::inline VITRAIL_TU {

// A pattern of two operands with the extents of its own axes; 1 for the axes that only the other step has.
struct EinsumStep {
  Pattern pattern;
  AxisExtents extents;
};
// steps[0] makes a value of operands `left` and `right`, steps[1] the result of that and operand `other`.
struct EinsumOrder {
  std::size_t left = 0, right = 1, other = 2;
  EinsumStep steps[2];
};

namespace detail {

constexpr EinsumStep einsum_step(Pattern pattern, const PatternTerm& left, const PatternTerm& right,
                                 const PatternTerm& result, AxisExtents extents) {
  pattern.operands = {};
  pattern.operands.push_back(left);
  pattern.operands.push_back(right);
  pattern.result = result;
  for (std::size_t axis = 0; axis < pattern.axes.size(); ++axis) {
    if (!has_axis(left, axis) && !has_axis(right, axis)) extents.extent[axis] = 1;
  }
  return {pattern, extents};
}
// Multiplications of one sample: all values of all axes.
constexpr double multiplications(const EinsumStep& step) {
  double product = 1;
  for (std::size_t axis = 0; axis < step.pattern.axes.size(); ++axis) {
    product *= static_cast<double>(step.extents.extent[axis]);
  }
  return product;
}
constexpr EinsumOrder einsum_order_of(const Pattern& pattern, const AxisExtents& extents, std::size_t left,
                                      std::size_t right) {
  const std::size_t other = 3 - left - right;
  const PatternTerm &a = pattern.operands[left], &b = pattern.operands[right], &c = pattern.operands[other];
  // What is still needed, in the order of the operands: rows before columns. A term takes eight groups; what is more
  // goes into the last one.
  PatternTerm kept;
  const auto add = [&](const PatternTerm& term) {
    for (const PatternGroup& group : term) {
      for (const std::size_t axis : group.axes) {
        if (has_axis(kept, axis) || !(has_axis(c, axis) || has_axis(pattern.result, axis))) continue;
        if (kept.size() < max_pattern_rank) kept.push_back({});
        kept[kept.size() - 1].axes.push_back(axis);
      }
    }
  };
  add(a), add(b);
  return {left,
          right,
          other,
          {einsum_step(pattern, a, b, kept, extents), einsum_step(pattern, kept, c, pattern.result, extents)}};
}

}  // namespace detail

// The order with the fewest multiplications. A step of two operands that are one for the whole batch is done once, any
// other for each sample: it counts as 16, since the batch is not known here. Equals: the first two operands first.
constexpr EinsumOrder einsum_order(const Pattern& pattern, const AxisExtents& extents, std::array<bool, 3> batched) {
  const double samples = 16;
  EinsumOrder best;
  double least = -1;
  for (std::size_t pair = 0; pair < 3; ++pair) {
    const EinsumOrder order = detail::einsum_order_of(pattern, extents, pair / 2, pair == 0 ? 1 : 2);
    const bool first = batched[order.left] || batched[order.right];
    const double cost = detail::multiplications(order.steps[0]) * (first ? samples : 1) +
                        detail::multiplications(order.steps[1]) * (first || batched[order.other] ? samples : 1);
    if (least < 0 || cost < least) least = cost, best = order;
  }
  return best;
}

}  // namespace vitrail::inline VITRAIL_TU
