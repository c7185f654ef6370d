// strided.hpp - a movement of data as a list of axes, each with its stride on both sides: what rearrange, repeat,
// permute, slice, concat and pad come down to.
#pragma once

#include <array>
#include <cstddef>

#include "axis_extents.hpp"
#include "fixed_vector.hpp"
#include "pattern.hpp"

namespace vitrail::inline VITRAIL_TU {

// One loop: `extent` turns, each of which goes `in` elements on in what is read and `out` in what is written. in = 0
// repeats. Kernels get these: plain integers.
struct StridedAxis {
  std::size_t extent, in, out;
  friend constexpr bool operator==(const StridedAxis&, const StridedAxis&) = default;
};
// All axes of a pattern, and the samples.
inline constexpr std::size_t max_strided_axes = max_pattern_axes + 1;
// Outermost first.
using StridedAxes = FixedVector<StridedAxis, max_strided_axes>;

// The same movement with as few axes as can be: none of extent 1, and neighbours that go on where the inner one ends
// are one.
constexpr StridedAxes merged(const StridedAxes& axes) {
  StridedAxes result;
  for (const StridedAxis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!result.empty()) {
      StridedAxis& before = result[result.size() - 1];
      if (before.in == axis.in * axis.extent && before.out == axis.out * axis.extent) {
        before = {before.extent * axis.extent, axis.in, axis.out};
        continue;
      }
    }
    result.push_back(axis);
  }
  return result;
}
// Both sides have the elements in the same order: there is nothing to move.
constexpr bool moves_nothing(const StridedAxes& axes) {
  const StridedAxes all = merged(axes);
  return all.empty() || (all.size() == 1 && all[0].in == 1 && all[0].out == 1);
}
constexpr bool has_repeats(const StridedAxes& axes) {
  for (const StridedAxis& axis : axes) {
    if (axis.in == 0 && axis.extent > 1) return true;
  }
  return false;
}
// Back: what was written is read. Axes are in the order in which memory is written.
constexpr StridedAxes reversed(const StridedAxes& axes) {
  StridedAxes result;
  for (const StridedAxis& axis : axes) {
    std::size_t at = result.size();
    while (at > 0 && result[at - 1].out < axis.in) --at;
    result.insert(at, {axis.extent, axis.out, axis.in});
  }
  return result;
}
// The same for each of `count` samples, which lie `in` and `out` elements apart.
constexpr StridedAxes with_samples(const StridedAxes& axes, std::size_t count, std::size_t in, std::size_t out) {
  StridedAxes result;
  result.push_back({count, in, out});
  for (const StridedAxis& axis : axes) result.push_back(axis);
  return result;
}

// From the operand of a pattern for rearrange or repeat to its result: axes in the order of the result; those that only
// the result has are repeated.
constexpr StridedAxes strided_axes(const Pattern& pattern, const AxisExtents& extents) {
  const auto strides = [&](const PatternTerm& term) {
    std::array<std::size_t, max_pattern_axes> stride{};
    std::size_t next = 1;
    for (std::size_t g = term.size(); g-- > 0;) {
      for (std::size_t i = term[g].axes.size(); i-- > 0;) {
        const std::size_t axis = term[g].axes[i];
        stride[axis] = next;
        next *= extents.extent[axis];
      }
    }
    return stride;
  };
  const auto in = strides(pattern.operands[0]), out = strides(pattern.result);
  StridedAxes axes;
  for (const PatternGroup& group : pattern.result) {
    for (const std::size_t axis : group.axes) axes.push_back({extents.extent[axis], in[axis], out[axis]});
  }
  return axes;
}
// Axis i of the result is axis order[i] of `dims`. numpy.transpose.
template <std::size_t Rank>
constexpr StridedAxes permuted_axes(const std::array<std::size_t, Rank>& dims,
                                    const std::array<std::size_t, Rank>& order) {
  StridedAxes axes;
  for (std::size_t i = 0; i < Rank; ++i) {
    StridedAxis axis{dims[order[i]], 1, 1};
    for (std::size_t k = order[i] + 1; k < Rank; ++k) axis.in *= dims[k];
    for (std::size_t k = i + 1; k < Rank; ++k) axis.out *= dims[order[k]];
    axes.push_back(axis);
  }
  return axes;
}

}  // namespace vitrail::inline VITRAIL_TU
