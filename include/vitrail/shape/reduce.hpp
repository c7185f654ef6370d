// reduce.hpp - turns a reduction over some axes into loops whose innermost one is contiguous: numpy.sum(x, axis=(0,
// 2)).
#pragma once

#include <cstddef>
#include <cstdint>

#include "axis_extents.hpp"

namespace vitrail::inline VITRAIL_TU {

// One axis of the input, with the strides of both tensors in elements; out is 0 where the axis is reduced.
struct ReduceAxis {
  std::size_t extent = 1, in = 0, out = 0;
};
inline constexpr std::size_t max_reduce_axes = max_pattern_axes + 1;  // one more for the samples of a batch
// All axes of the input, outermost first.
using ReduceAxes = FixedVector<ReduceAxis, max_reduce_axes>;

// Of a pattern with one operand; what stands left only is reduced.
constexpr ReduceAxes reduce_axes(const Pattern& pattern, const AxisExtents& extents) {
  ReduceAxes axes;
  FixedVector<std::size_t, max_pattern_axes> place;  // in `axes`, by axis of the pattern
  for (std::size_t axis = 0; axis < pattern.axes.size(); ++axis) place.push_back(0);
  for (const PatternGroup& group : pattern.operands[0]) {
    for (const std::size_t axis : group.axes) {
      place[axis] = axes.size();
      axes.push_back({extents.extent[axis]});
    }
  }
  std::size_t stride = 1;
  for (std::size_t i = axes.size(); i-- > 0; stride *= axes[i].extent) axes[i].in = stride;
  stride = 1;
  for (std::size_t group = pattern.result.size(); group-- > 0;) {
    for (std::size_t i = pattern.result[group].axes.size(); i-- > 0;) {
      ReduceAxis& axis = axes[place[pattern.result[group].axes[i]]];
      axis.out = stride;
      stride *= axis.extent;
    }
  }
  return axes;
}
// Of axes by number: dims[i] is reduced if reduced[i].
constexpr ReduceAxes reduce_axes(const Extents& dims, const FixedVector<bool, max_pattern_rank>& reduced) {
  ReduceAxes axes;
  for (std::size_t i = 0; i < dims.size(); ++i) axes.push_back({dims[i]});
  std::size_t in = 1, out = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    axes[i].in = in, in *= dims[i];
    if (!reduced[i]) axes[i].out = out, out *= dims[i];
  }
  return axes;
}

// Loops round a contiguous run of the input. Integers only, trivially copyable: kernels may receive it.
struct ReducePlan {
  ReduceAxes kept;                  // one turn for each result, or for each run of results
  ReduceAxes reduced;               // in the order of memory, without the innermost one
  std::size_t steps = 1, step = 0;  // the innermost reduced loop round the run
  std::size_t inner = 1;            // the run: elements that are next to each other in the input
  std::size_t inner_out = 0;        // how far the result moves along the run; 0: the run is reduced

  constexpr bool reduces_run() const { return inner_out == 0; }
  static constexpr std::size_t turns(const ReduceAxes& loops) {
    std::size_t count = 1;
    for (const ReduceAxis& loop : loops) count *= loop.extent;
    return count;
  }
  // Where turn `turn` of some loops begins.
  struct Position {
    std::size_t in = 0, out = 0;
  };
  static constexpr Position position(const ReduceAxes& loops, std::size_t turn) {
    Position at;
    for (std::size_t i = loops.size(); i-- > 0;) {
      const std::size_t index = i == 0 ? turn : split(turn, loops[i].extent);
      at.in += index * loops[i].in;
      at.out += index * loops[i].out;
    }
    return at;
  }

 private:
  // turn % extent; turn is divided by extent. Divisions of 64 bits take several times as long as those of 32.
  static constexpr std::size_t split(std::size_t& turn, std::size_t extent) {
    const std::size_t before = turn;
    turn =
        (turn | extent) >> 32 ? turn / extent : static_cast<std::uint32_t>(turn) / static_cast<std::uint32_t>(extent);
    return before - turn * extent;
  }
};

// Drops axes of extent 1, merges neighbours that both tensors walk through in one stride, and takes the innermost as
// the run: since the input is contiguous, so is the run. `count` samples are one more axis, the outermost one.
constexpr ReducePlan lower_reduce(const ReduceAxes& axes, std::size_t count, std::size_t in, std::size_t out) {
  ReduceAxes merged;
  if (count != 1) merged.push_back({count, in, out});
  for (const ReduceAxis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!merged.empty()) {
      ReduceAxis& before = merged[merged.size() - 1];
      if (before.in == axis.extent * axis.in && before.out == axis.extent * axis.out) {
        before = {before.extent * axis.extent, axis.in, axis.out};
        continue;
      }
    }
    merged.push_back(axis);
  }
  ReducePlan plan;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    const ReduceAxis& axis = merged[i];
    if (i + 1 == merged.size()) {
      plan.inner = axis.extent, plan.inner_out = axis.out;
    } else {
      (axis.out != 0 ? plan.kept : plan.reduced).push_back(axis);
    }
  }
  if (!plan.reduced.empty()) {
    const std::size_t last = plan.reduced.size() - 1;
    plan.steps = plan.reduced[last].extent, plan.step = plan.reduced[last].in;
    plan.reduced.erase(last);
  }
  return plan;
}

}  // namespace vitrail::inline VITRAIL_TU
