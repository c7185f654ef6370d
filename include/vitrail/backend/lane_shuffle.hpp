// lane_shuffle.hpp - rotate, zip, transpose and permute lanes, and their horizontal sum and maximum.
#pragma once

#include <utility>

#include "lane.hpp"

namespace vitrail::inline VITRAIL_TU {

// g++ 12 has both builtins, but nvcc loses a pack inside __builtin_shufflevector; clang has only that one.
#if defined(__CUDACC__) || !defined(__clang__)
#define VITRAIL_SHUFFLE(Bits, a, b, ...) __builtin_shuffle(a, b, Bits{__VA_ARGS__})
#else
#define VITRAIL_SHUFFLE(Bits, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif

template <int... X>
struct lane_indices {};
template <int N, int... X>
struct make_lane_indices : make_lane_indices<N - 1, N - 1, X...> {};
template <int... X>
struct make_lane_indices<0, X...> {
  using type = lane_indices<X...>;
};
template <isa I>
using lane_indices_of = typename make_lane_indices<static_cast<int>(lane_width<I>)>::type;

template <int Shift, isa I, int... X>
VITRAIL_INLINE lane<I> rotate_(const lane<I>& a, lane_indices<X...>) {
  constexpr int width = static_cast<int>(lane_width<I>);
  using Bits [[maybe_unused]] = typename lane<I>::Bits;  // clang does not read it
  lane<I> r;
  r.v = VITRAIL_SHUFFLE(Bits, a.v, a.v, ((X + Shift) % width)...);
  return r;
}
// Element i of the result is element (i + Shift) mod width of a.
template <int Shift, isa I>
VITRAIL_INLINE lane<I> rotate(const lane<I>& a) {
  return rotate_<Shift>(a, lane_indices_of<I>{});
}

// The sum of all elements, as a fixed tree of halves.
template <isa I>
VITRAIL_INLINE float sum_of(lane<I> x) {
  if constexpr (lane_width<I> >= 16) x += rotate<8>(x);
  if constexpr (lane_width<I> >= 8) x += rotate<4>(x);
  x += rotate<2>(x);
  x += rotate<1>(x);
  return x.v[0];
}
// The largest element.
template <isa I>
VITRAIL_INLINE float max_of(lane<I> x) {
  if constexpr (lane_width<I> >= 16) x = max(x, rotate<8>(x));
  if constexpr (lane_width<I> >= 8) x = max(x, rotate<4>(x));
  x = max(x, rotate<2>(x));
  x = max(x, rotate<1>(x));
  return x.v[0];
}

template <int Run, bool High, isa I, int... X>
VITRAIL_INLINE lane<I> zip_(const lane<I>& a, const lane<I>& b, lane_indices<X...>) {
  constexpr int width = static_cast<int>(lane_width<I>);
  using Bits [[maybe_unused]] = typename lane<I>::Bits;  // clang does not read it
  lane<I> r;
  r.v = VITRAIL_SHUFFLE(Bits, a.v, b.v, ((X & Run) ? width + (High ? X : X - Run) : (High ? X + Run : X))...);
  return r;
}
// Alternating runs of Run elements: the even runs of a and b (High = false), or their odd runs.
template <int Run, bool High, isa I>
VITRAIL_INLINE lane<I> zip(const lane<I>& a, const lane<I>& b) {
  return zip_<Run, High>(a, b, lane_indices_of<I>{});
}

template <int Run, isa I, std::size_t N>
VITRAIL_INLINE void transpose_stage(lane<I> (&r)[N]) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < N; ++i)
    if (!(i & Run)) {
      const lane<I> a = r[i], b = r[i + Run];
      r[i] = zip<Run, false>(a, b);
      r[i + Run] = zip<Run, true>(a, b);
    }
}
// Transposes a square of width x width floats in registers: log2(width) stages of two-source shuffles.
template <isa I, std::size_t N>
requires(N == lane_width<I>) VITRAIL_INLINE void transpose(lane<I> (&r)[N]) {
  if constexpr (N >= 16) transpose_stage<8>(r);
  if constexpr (N >= 8) transpose_stage<4>(r);
  transpose_stage<2>(r);
  transpose_stage<1>(r);
}

// Element i of the result is element index[i] of a; indices are in [0, width).
template <isa I>
VITRAIL_INLINE lane<I> permute(const lane<I>& a, const std::int32_t (&index)[lane_width<I>]) {
  lane<I> r;
#ifdef __clang__
  for (std::size_t i = 0; i < lane_width<I>; ++i) r.v[i] = a.v[index[i]];
#else
  typename lane<I>::Bits order;
  __builtin_memcpy(&order, index, sizeof(order));
  r.v = __builtin_shuffle(a.v, order);
#endif
  return r;
}

#undef VITRAIL_SHUFFLE

}  // namespace vitrail::inline VITRAIL_TU
