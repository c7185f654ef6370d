// reduce_programs.hpp - the row programs of a reduction, forward and backward. T is float or double; Reducer is one of
// reducers.hpp.
#pragma once

#include <cstddef>

#include "reduce_elements.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Whether a run is too short for lanes: most of them would be empty (2 x 2 windows, say).
template <class R>
VITRAIL_FUNCTION bool is_short(const ReducePlan& plan) {
  return plan.inner < lanes<typename R::lane>::width;
}

// A program row is one result.
template <class T, class Reducer>
struct ReduceRuns {
  using value = T;
  ReducePlan plan;
  Reducer reducer;
  const T* x;
  T* y;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    const auto at = ReducePlan::position(plan.kept, r);
    y[at.out] = is_short<R>(plan) ? reducer.of(RunElements<Row<T>>{{}, plan, x + at.in})
                                  : reducer.of(RunElements<R>{row, plan, x + at.in});
  }
};
template <class T, class Reducer>
struct ReduceRunsBackward {
  using value = T;
  ReducePlan plan;
  Reducer reducer;
  const T *x, *y, *dy;
  T* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    const auto at = ReducePlan::position(plan.kept, r);
    if (is_short<R>(plan)) {
      reducer.pull(RunElements<Row<T>>{{}, plan, x + at.in, dx + at.in, adds}, y[at.out], dy[at.out]);
    } else {
      reducer.pull(RunElements<R>{row, plan, x + at.in, dx + at.in, adds}, y[at.out], dy[at.out]);
    }
  }
};

// A program row is up to `lane_block` neighbouring results: a few lanes, so that one sample of few rows still gives
// work to several threads.
inline constexpr std::size_t lane_block = 64;
constexpr std::size_t lane_blocks(const ReducePlan& plan) { return (plan.inner + lane_block - 1) / lane_block; }
struct LaneBlock {
  std::size_t in, out, count;
};
constexpr LaneBlock lane_block_at(const ReducePlan& plan, std::size_t r) {
  const auto at = ReducePlan::position(plan.kept, r / lane_blocks(plan));
  const std::size_t first = r % lane_blocks(plan) * lane_block, rest = plan.inner - first;
  return {at.in + first, at.out + first * plan.inner_out, rest < lane_block ? rest : lane_block};
}
template <class T, class Reducer>
struct ReduceLanes {
  using value = T;
  ReducePlan plan;
  Reducer reducer;
  const T* x;
  T* y;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const LaneBlock at = lane_block_at(plan, r);
    row.each(at.count, [&](auto j) VITRAIL_LAMBDA {
      put_strided<L>(y + at.out, j, plan.inner_out, L(reducer.of(LaneElements<L, decltype(j)>{plan, j, x + at.in})));
    });
  }
};
template <class T, class Reducer>
struct ReduceLanesBackward {
  using value = T;
  ReducePlan plan;
  Reducer reducer;
  const T *x, *y, *dy;
  T* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const LaneBlock at = lane_block_at(plan, r);
    row.each(at.count, [&](auto j) VITRAIL_LAMBDA {
      reducer.pull(LaneElements<L, decltype(j)>{plan, j, x + at.in, dx + at.in, adds},
                   get_strided<L>(y + at.out, j, plan.inner_out), get_strided<L>(dy + at.out, j, plan.inner_out));
    });
  }
};

}  // namespace vitrail::inline VITRAIL_TU::detail
