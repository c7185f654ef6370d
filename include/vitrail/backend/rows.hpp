// rows.hpp - what elementwise and row programs are written against, once for every backend.
//
// A program is a struct of pointers and numbers with a type `value` (float or double), whose bodies are templates over
// a lane L (lane<I>, float or double):
//   elementwise   template <class L, class J> VITRAIL_FUNCTION void at(J j) const;           computes the elements of j
//   rows          template <class R> VITRAIL_FUNCTION void row(R row, std::size_t r) const;  computes one row
//   columns       template <class L, class J> VITRAIL_FUNCTION void add(std::size_t r, J j, L (&sums)[K]) const;
// A program with `static constexpr bool is_minor = true` computes next to nothing; it is compiled for one
// instruction set only. j is a Whole (a full lane) or a Rest (what is left of the row).
//
// On a GPU several threads hold a row and all of them run `row`: each(), sum(), max() and fold() share the elements
// out, an element always to the same thread; what must happen once is for once(). A program whose row cannot be shared
// says `static constexpr bool row_is_one_thread = true`.
#pragma once

#include <cstddef>
#include <limits>

#include "lane.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <isa I, class T>
struct LaneOf {
  using type = T;
};
template <isa I>
struct LaneOf<I, float> {
  using type = lane<I>;
};
}  // namespace detail
// The lane in which values of T are computed at level I: a register of floats, or one double (doubles are for checks).
template <isa I, class T>
using lane_of = typename detail::LaneOf<I, T>::type;

struct Whole {
  std::size_t at;
};
struct Rest {
  std::size_t at, count;
};

template <class L>
VITRAIL_FUNCTION L get(const typename lanes<L>::value* row, Whole j) {
  return load<L>(row + j.at);
}
template <class L>
VITRAIL_FUNCTION L get(const typename lanes<L>::value* row, Rest j) {
  return load<L>(row + j.at, j.count);
}
template <class L>
VITRAIL_FUNCTION void put(typename lanes<L>::value* row, Whole j, const L& x) {
  store(row + j.at, x);
}
template <class L>
VITRAIL_FUNCTION void put(typename lanes<L>::value* row, Rest j, const L& x) {
  store(row + j.at, x, j.count);
}
// Written or added, decided at run time by the plan: as types the two would double every instantiation.
template <class L, class J>
VITRAIL_FUNCTION void put(typename lanes<L>::value* row, J j, const L& x, bool add) {
  put<L>(row, j, add ? L(get<L>(row, j) + x) : x);
}

// Calls f on each part of [begin, end): whole lanes, then the rest.
template <class L, class F>
VITRAIL_FUNCTION void each_lane(std::size_t begin, std::size_t end, const F& f) {
  constexpr std::size_t width = lanes<L>::width;
  std::size_t j = begin;
  for (; j + width <= end; j += width) f(Whole{j});
  if constexpr (width > 1) {
    if (j < end) f(Rest{j, end - j});
  }
}

// One row held by one thread; a GPU backend puts a warp or a block in its place.
template <class L>
struct Row {
  using lane = L;
  using value = typename lanes<L>::value;

  template <class F>
  VITRAIL_FUNCTION void each(std::size_t width, const F& f) const {
    each_lane<L>(0, width, f);
  }
  // The sum of f(j) over the row. Four sums at a time: an addition takes up to four cycles and one can start in each.
  template <class F>
  VITRAIL_FUNCTION value sum(std::size_t width, const F& f) const {
    constexpr std::size_t step = lanes<L>::width;
    L sums[4] = {constant<L>(0), constant<L>(0), constant<L>(0), constant<L>(0)};
    // Not `j + step <= width`: for that g++ warns of a loop that overflows.
    const std::size_t whole = width / step * step, fours = width / (4 * step) * (4 * step);
    std::size_t j = 0;
    for (; j < fours; j += 4 * step) {
      sums[0] += f(Whole{j});
      sums[1] += f(Whole{j + step});
      sums[2] += f(Whole{j + 2 * step});
      sums[3] += f(Whole{j + 3 * step});
    }
    for (; j < whole; j += step) sums[0] += f(Whole{j});
    if constexpr (step > 1) {
      if (j < width) {
        const std::size_t count = width - j;
        sums[1] += keep(L(f(Rest{j, count})), count, 0);
      }
    }
    return sum_of(L((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  template <class F>
  VITRAIL_FUNCTION value max(std::size_t width, const F& f) const {
    constexpr std::size_t step = lanes<L>::width;
    const auto lowest = -std::numeric_limits<value>::infinity();
    L top = constant<L>(lowest);
    std::size_t j = 0;
    for (; j + step <= width; j += step) top = vitrail::max(top, L(f(Whole{j})));
    if constexpr (step > 1) {
      if (j < width) {
        const std::size_t count = width - j;
        top = vitrail::max(top, keep(L(f(Rest{j, count})), count, lowest));
      }
    }
    return max_of(top);
  }
  // The fold of what each() has gathered in one x for each lane, over a row of `width` elements: op(a, b) must not mind
  // the order.
  template <class Op>
  VITRAIL_FUNCTION value fold(const L& x, std::size_t width, const Op& op) const {
    value parts[lanes<L>::width];
    store(parts, x);
    for (std::size_t i = 1; i < lanes<L>::width && i < width; ++i) parts[0] = op(parts[0], parts[i]);
    return parts[0];
  }
  // Calls f where several threads that hold the row would be in each other's way (it adds to an element, or reads what
  // others wrote): once, after all that came before and before all that comes after.
  template <class F>
  VITRAIL_FUNCTION void once(const F& f) const {
    f();
  }
};

}  // namespace vitrail::inline VITRAIL_TU
