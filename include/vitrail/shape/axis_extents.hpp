// axis_extents.hpp - how long every named axis of a pattern is, given the shapes it is applied to.
#pragma once

#include "pattern.hpp"

#include <array>
#include <cstddef>

namespace vitrail::inline VITRAIL_TU {

using Extents = FixedVector<std::size_t, max_pattern_rank>;

// The extents by axis, or the first contradiction: where it is (operand and its axis) and the two numbers.
struct AxisExtents {
  std::array<std::size_t, max_pattern_axes> extent{};  // 0: not known
  pattern_error error = pattern_error::none;
  std::size_t operand = 0;
  std::size_t axis = 0;      // of the operand; for extent_unknown of the pattern
  std::size_t expected = 0;  // rank_differs: the pattern's rank. group_not_divisible: what does not divide `found`
  std::size_t found = 0;

  constexpr bool ok() const { return error == pattern_error::none; }
};

namespace detail {

// One axis of an operand. Learns an axis if it is the only unknown one of its group; says whether it did.
constexpr bool learn(AxisExtents& known, const PatternGroup& group, std::size_t found) {
  using enum pattern_error;
  std::size_t product = 1, unknown = 0, unknowns = 0;
  for (const std::size_t axis : group.axes) {
    const std::size_t extent = known.extent[axis];
    if (extent == 0) {
      unknown = axis;
      ++unknowns;
    } else {
      constexpr auto limit = static_cast<std::size_t>(-1);
      product = product > limit / extent ? limit : product * extent;  // absurd bindings must not wrap round and fit
    }
  }
  known.expected = product;
  if (unknowns == 0 && product != found) known.error = extents_differ;
  if (unknowns != 0 && found % product != 0) known.error = group_not_divisible;
  if (unknowns != 1 || !known.ok()) return false;
  known.extent[unknown] = found / product;
  return true;
}

}  // namespace detail

// `known` brings what the caller binds by name, such as the patch's p and q.
constexpr AxisExtents axis_extents(const Pattern& pattern, const FixedVector<Extents, max_pattern_operands>& operands,
                                   AxisExtents known = {}) {
  using enum pattern_error;
  for (bool learned = true; learned;) {
    learned = false;
    for (known.operand = 0; known.operand < pattern.operands.size(); ++known.operand) {
      const PatternTerm& term = pattern.operands[known.operand];
      const Extents& extents = operands[known.operand];
      if (term.size() != extents.size()) {
        known.expected = term.size();
        known.found = extents.size();
        known.error = rank_differs;
        return known;
      }
      for (known.axis = 0; known.axis < term.size(); ++known.axis) {
        known.found = extents[known.axis];
        if (known.found == 0) known.error = extent_is_zero;
        if (known.ok() && detail::learn(known, term[known.axis], known.found)) learned = true;
        if (!known.ok()) return known;
      }
    }
  }
  for (known.axis = 0; known.axis < pattern.axes.size(); ++known.axis) {
    if (known.extent[known.axis] == 0) {
      known.error = extent_unknown;
      return known;
    }
  }
  return known;
}
// axis_extents<Shape<12, 197, 64>, Shape<12, 197, 64>>(pattern)
template <class... Shapes>
constexpr AxisExtents axis_extents(const Pattern& pattern, const AxisExtents& known = {}) {
  static_assert(((Shapes::rank <= max_pattern_rank) && ...), "patterns go up to 8 axes per operand");
  FixedVector<Extents, max_pattern_operands> operands;
  const auto add = [&](const auto& dims) {
    Extents extents;
    for (const std::size_t extent : dims) extents.push_back(extent);
    operands.push_back(extents);
  };
  (add(Shapes::dims), ...);
  return axis_extents(pattern, operands, known);
}

// The shape of what the pattern makes.
constexpr Extents result_extents(const Pattern& pattern, const AxisExtents& extents) {
  Extents result;
  for (const PatternGroup& group : pattern.result) {
    std::size_t product = 1;
    for (const std::size_t axis : group.axes) product *= extents.extent[axis];
    result.push_back(product);
  }
  return result;
}

}  // namespace vitrail::inline VITRAIL_TU
