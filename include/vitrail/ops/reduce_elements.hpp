// reduce_elements.hpp - the elements that make one result of a reduction: runs of memory, or lanes of neighbouring
// results.
//
// A reducer (reducers.hpp) is written once against such a set of elements, whose result is a number or a lane:
//   sum(f), max(f)         over f(x) of all elements; the maximum is NaN if one of them is
//   first(is)              the ordinal of the first element for which is(x, 1, 0) is 1
//   each(f)                backward: writes or adds f(load) to the gradient of each element, load() being its value
//   each_first(is, g)      backward: g for the first element for which is(x, 1, 0) is 1, 0 for the others
// Sums are cut by sizes alone, so bits do not depend on the threads.
#pragma once

#include <cstddef>
#include <limits>

#include "../backend/rows.hpp"
#include "../backend/strided.hpp"
#include "../shape/reduce.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// x as it is here, for a select of a select: g++ makes one of the two, which it does not find among the instructions
// of the machine that the header is compiled for, and computes element by element, twenty times as slow.
template <class L>
VITRAIL_FUNCTION L apart(const L& x) {
  if constexpr (VectorLane<L>) {
    return vitrail::rounded(x);
  } else {
    return x;
  }
}
// The larger one of `top` and x; NaN if one of them is. (max(x, top) keeps a top that is NaN.)
template <class L>
VITRAIL_FUNCTION L larger(const L& top, const L& x) {
  return select(x != x, x, apart<L>(max(x, top)));
}
template <class L>
VITRAIL_FUNCTION L filled(const L& x, Whole, typename lanes<L>::value) {
  return x;
}
template <class L>
VITRAIL_FUNCTION L filled(const L& x, Rest j, typename lanes<L>::value fill) {
  return keep(x, j.count, fill);
}

// Calls f(offset) for every turn of the reduced loops, in the order of memory.
template <class F>
VITRAIL_FUNCTION void each_run(const ReducePlan& plan, const F& f) {
  const std::size_t turns = ReducePlan::turns(plan.reduced);
  for (std::size_t turn = 0; turn < turns; ++turn) {
    const std::size_t base = ReducePlan::position(plan.reduced, turn).in;
    for (std::size_t t = 0; t < plan.steps; ++t) f(base + t * plan.step);
  }
}

// The run is reduced: lanes move along it.
template <class R>
struct RunElements {
  using L = typename R::lane;
  using T = typename R::value;
  R row;
  const ReducePlan& plan;
  const T* x;
  T* dx = nullptr;
  bool adds = false;

  template <class F>
  VITRAIL_FUNCTION T sum(const F& f) const {
    T total = 0;
    each_run(plan, [&](std::size_t at) VITRAIL_LAMBDA {
      total += row.sum(plan.inner, [&](auto j) VITRAIL_LAMBDA { return f(get<L>(x + at, j)); });
    });
    return total;
  }
  template <class F>
  VITRAIL_FUNCTION T max(const F& f) const {
    constexpr auto lowest = -std::numeric_limits<T>::infinity();
    L top = constant<L>(lowest);
    each_run(plan, [&](std::size_t at) VITRAIL_LAMBDA {
      row.each(plan.inner,
               [&](auto j) VITRAIL_LAMBDA { top = larger<L>(top, filled<L>(f(get<L>(x + at, j)), j, lowest)); });
    });
    return row.fold(top, plan.inner, [](T a, T b) VITRAIL_LAMBDA { return larger<T>(a, b); });
  }
  template <class F>
  VITRAIL_FUNCTION T first(const F& is) const {
    return static_cast<T>(find(is).ordinal);
  }
  template <class F>
  VITRAIL_FUNCTION void each(const F& f) const {
    each_run(plan, [&](std::size_t at) VITRAIL_LAMBDA {
      row.each(plan.inner, [&](auto j) VITRAIL_LAMBDA {
        put<L>(dx + at, j, L(f([&]() VITRAIL_LAMBDA { return get<L>(x + at, j); })), adds);
      });
    });
  }
  template <class F>
  VITRAIL_FUNCTION void each_first(const F& is, T g) const {
    if (!adds) each([](const auto&) VITRAIL_LAMBDA { return constant<L>(0); });
    row.once([&]() VITRAIL_LAMBDA { dx[find(is).offset] += g; });
  }

 private:
  struct Found {
    std::size_t ordinal, offset;
  };
  template <class F>
  VITRAIL_FUNCTION Found find(const F& is) const {
    const std::size_t runs = ReducePlan::turns(plan.reduced) * plan.steps;
    for (std::size_t run = 0; run < runs; ++run) {
      const std::size_t at = ReducePlan::position(plan.reduced, run / plan.steps).in + run % plan.steps * plan.step;
      for (std::size_t i = 0; i < plan.inner; ++i) {
        if (is(x[at + i], T(1), T(0)) > T(0)) return {run * plan.inner + i, at + i};
      }
    }
    return {0, 0};
  }
};

// The run is kept: a lane of neighbouring results, each over elements that are `step` apart.
template <class Lane, class J>
struct LaneElements {
  using L = Lane;
  using T = typename lanes<L>::value;
  const ReducePlan& plan;
  J j;
  const T* x;
  T* dx = nullptr;
  bool adds = false;

  // Four sums at a time, as in Row::sum.
  template <class F>
  VITRAIL_FUNCTION L sum(const F& f) const {
    L sums[4] = {constant<L>(0), constant<L>(0), constant<L>(0), constant<L>(0)};
    const std::size_t turns = ReducePlan::turns(plan.reduced), fours = plan.steps / 4 * 4;
    for (std::size_t turn = 0; turn < turns; ++turn) {
      const T* from = x + ReducePlan::position(plan.reduced, turn).in;
      std::size_t t = 0;
      for (; t < fours; t += 4) {
        sums[0] += f(get<L>(from + t * plan.step, j));
        sums[1] += f(get<L>(from + (t + 1) * plan.step, j));
        sums[2] += f(get<L>(from + (t + 2) * plan.step, j));
        sums[3] += f(get<L>(from + (t + 3) * plan.step, j));
      }
      for (; t < plan.steps; ++t) sums[0] += f(get<L>(from + t * plan.step, j));
    }
    return L((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
  template <class F>
  VITRAIL_FUNCTION L max(const F& f) const {
    L top = constant<L>(-std::numeric_limits<T>::infinity());
    each_run(plan, [&](std::size_t at) VITRAIL_LAMBDA { top = larger<L>(top, f(get<L>(x + at, j))); });
    return top;
  }
  template <class F>
  VITRAIL_FUNCTION L first(const F& is) const {
    L found = constant<L>(0), searching = constant<L>(1), ordinal = constant<L>(0);
    each_run(plan, [&](std::size_t at) VITRAIL_LAMBDA {
      const L hit = is(get<L>(x + at, j), searching, constant<L>(0));
      found += hit * ordinal;
      searching -= hit;
      ordinal += constant<L>(1);
    });
    return found;
  }
  template <class F>
  VITRAIL_FUNCTION void each(const F& f) const {
    each_run(plan, [&](std::size_t at) VITRAIL_LAMBDA {
      put<L>(dx + at, j, L(f([&]() VITRAIL_LAMBDA { return get<L>(x + at, j); })), adds);
    });
  }
  template <class F>
  VITRAIL_FUNCTION void each_first(const F& is, const L& g) const {
    L searching = constant<L>(1);
    each([&](const auto& load) VITRAIL_LAMBDA {
      const L hit = is(load(), searching, constant<L>(0));
      searching -= hit;
      return select(hit > constant<L>(0), g, constant<L>(0));
    });
  }
};

}  // namespace vitrail::inline VITRAIL_TU::detail
