// row.hpp - one row of a program, held by neighbouring threads of a warp: what backend/rows.hpp has for one thread.
#pragma once

#include <cstddef>
#include <limits>

#include "../rows.hpp"
#include "quad.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// `threads`, a power of two, hold the row. All of them run the program; lane number i of the row, whole or the rest,
// belongs to thread i % threads. Results of sum, max and fold are the same in all; the order of additions depends on
// the row's width alone.
template <class Thread, class L>
struct RowOfThreads {
  using lane = L;
  using value = typename lanes<L>::value;
  static constexpr std::size_t width_of_lane = lanes<L>::width;
  const Thread* thread;
  unsigned at, threads;  // this thread's place in the row

  template <class F>
  VITRAIL_FUNCTION void each(std::size_t width, const F& f) const {
    for (std::size_t j = at * width_of_lane; j < width; j += threads * width_of_lane) {
      if constexpr (width_of_lane > 1) {
        if (width - j < width_of_lane) {
          f(Rest{j, width - j});
          continue;
        }
      }
      f(Whole{j});
    }
  }
  template <class F>
  VITRAIL_FUNCTION value sum(std::size_t width, const F& f) const {
    L sums = constant<L>(0);
    gather(width, f, value(0), [&](const L& x) VITRAIL_LAMBDA { sums += x; });
    value all = sum_of(sums);
    for (unsigned mask = threads / 2; mask > 0; mask /= 2) all += thread->from_lane(all, mask, threads);
    return all;
  }
  template <class F>
  VITRAIL_FUNCTION value max(std::size_t width, const F& f) const {
    constexpr value lowest = -std::numeric_limits<value>::infinity();
    L top = constant<L>(lowest);
    gather(width, f, lowest, [&](const L& x) VITRAIL_LAMBDA { top = larger(top, x); });
    value all = max_of(top);
    for (unsigned mask = threads / 2; mask > 0; mask /= 2) {
      all = vitrail::max(all, thread->from_lane(all, mask, threads));
    }
    return all;
  }
  // Threads and elements that have nothing must hold what changes nothing.
  template <class Op>
  VITRAIL_FUNCTION value fold(const L& x, std::size_t, const Op& op) const {
    value parts[width_of_lane];
    store(parts, x);
    for (std::size_t i = 1; i < width_of_lane; ++i) parts[0] = op(parts[0], parts[i]);
    value all = parts[0];
    for (unsigned mask = threads / 2; mask > 0; mask /= 2) all = op(all, thread->from_lane(all, mask, threads));
    return all;
  }
  template <class F>
  VITRAIL_FUNCTION void once(const F& f) const {
    thread->sync_lanes(threads);
    if (at == 0) f();
    thread->sync_lanes(threads);
  }

 private:
  static VITRAIL_FUNCTION L larger(const L& a, const L& b) {
    using vitrail::max;
    return max(a, b);
  }
  // take(f(j)) for this thread's lanes, `fill` in what the rest of the row does not have.
  template <class F, class Take>
  VITRAIL_FUNCTION void gather(std::size_t width, const F& f, value fill, const Take& take) const {
    for (std::size_t j = at * width_of_lane; j < width; j += threads * width_of_lane) {
      if constexpr (width_of_lane > 1) {
        if (width - j < width_of_lane) {
          take(keep(L(f(Rest{j, width - j})), width - j, fill));
          continue;
        }
      }
      take(L(f(Whole{j})));
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
