// lane.hpp - lane<I>, the floats of one vector register at instruction set I: 16, 8 or 4.
//
// A function that is written for "a lane L" works with lane<I>, float and double; lanes<L>::value and lanes<L>::width
// describe L. Under CUDA lane<I> is for host code only; the scalar overloads (lane_scalar.hpp) are for both sides.
#pragma once

#include <cstdint>

#include "isa.hpp"
#include "lane_scalar.hpp"

namespace vitrail::inline VITRAIL_TU {

// Floats per register.
template <isa I>
inline constexpr std::size_t lane_width = I == isa::avx512 ? 16
                                          : I == isa::avx2 ? 8
                                                           : 4;

template <std::size_t Width>
struct raw_vector {
  typedef float Floats __attribute__((vector_size(Width * 4)));
  typedef std::int32_t Bits __attribute__((vector_size(Width * 4)));
  typedef std::uint32_t Words __attribute__((vector_size(Width * 4)));
};

// The user-provided copy constructor of lane and mask is essential: such a class is passed in memory by every ABI, so
// that a caller and a callee that is not inlined (-O0, recursion) may be compiled for different instruction sets. A
// trivial class gives silently wrong results. For the same reason raw vectors are never passed between functions.

// The result of comparing two lanes: all bits of an element set where it holds.
template <isa I>
struct mask {
  using Bits = typename raw_vector<lane_width<I>>::Bits;
  Bits v;
  VITRAIL_INLINE mask() {}
  VITRAIL_INLINE mask(const mask& other) : v(other.v) {}
  VITRAIL_INLINE mask& operator=(const mask& other) {
    v = other.v;
    return *this;
  }
  VITRAIL_INLINE static mask of(const Bits& bits) {
    mask r;
    r.v = bits;
    return r;
  }
  friend VITRAIL_INLINE mask operator&&(const mask& a, const mask& b) { return of(a.v & b.v); }
  friend VITRAIL_INLINE mask operator||(const mask& a, const mask& b) { return of(a.v | b.v); }
  friend VITRAIL_INLINE mask operator!(const mask& a) { return of(~a.v); }
};

// The floats of one register. Operators work element by element; a float converts to a lane of equal elements.
template <isa I>
struct lane {
  static constexpr std::size_t width = lane_width<I>;
  using Floats = typename raw_vector<width>::Floats;
  using Bits = typename raw_vector<width>::Bits;
  using Words = typename raw_vector<width>::Words;  // for arithmetic on bits that may overflow
  Floats v;

  VITRAIL_INLINE lane() {}
  VITRAIL_INLINE lane(float x);
  VITRAIL_INLINE lane(const lane& other) : v(other.v) {}
  VITRAIL_INLINE lane& operator=(const lane& other) {
    v = other.v;
    return *this;
  }
  VITRAIL_INLINE static lane of(const Floats& floats) {
    lane r;
    r.v = floats;
    return r;
  }
  VITRAIL_INLINE static lane of_bits(const Bits& bits) {
    lane r;
    r.v = (Floats)bits;
    return r;
  }

#define VITRAIL_OPERATOR(o)                                             \
  friend VITRAIL_INLINE lane operator o(const lane& a, const lane& b) { \
    VITRAIL_CONTRACT lane r;                                            \
    r.v = a.v o b.v;                                                    \
    return r;                                                           \
  }                                                                     \
  VITRAIL_INLINE lane& operator o##=(const lane& b) {                   \
    VITRAIL_CONTRACT v = v o b.v;                                       \
    return *this;                                                       \
  }
  VITRAIL_OPERATOR(+)
  VITRAIL_OPERATOR(-)
  VITRAIL_OPERATOR(*)
  VITRAIL_OPERATOR(/)
#undef VITRAIL_OPERATOR
  friend VITRAIL_INLINE lane operator-(const lane& a) {
    lane r;
    r.v = -a.v;
    return r;
  }
#define VITRAIL_COMPARISON(o)                                              \
  friend VITRAIL_INLINE mask<I> operator o(const lane& a, const lane& b) { \
    mask<I> r;                                                             \
    r.v = a.v o b.v;                                                       \
    return r;                                                              \
  }
  VITRAIL_COMPARISON(<)
  VITRAIL_COMPARISON(>)
  VITRAIL_COMPARISON(<=)
  VITRAIL_COMPARISON(>=)
  VITRAIL_COMPARISON(==)
  VITRAIL_COMPARISON(!=)
#undef VITRAIL_COMPARISON
};

template <isa I>
struct lanes<lane<I>> {
  using value = float;
  static constexpr std::size_t width = lane_width<I>;
};
template <class L>
inline constexpr bool is_vector_lane = false;
template <isa I>
inline constexpr bool is_vector_lane<lane<I>> = true;
// lane<I> for some I, not a scalar.
template <class L>
concept VectorLane = is_vector_lane<L>;

}  // namespace vitrail::inline VITRAIL_TU

#include "lane_intrinsics.hpp"

namespace vitrail::inline VITRAIL_TU {

template <isa I>
VITRAIL_INLINE lane<I>::lane(float x) {
  splat_(x, *this);
}

// The elements at p, p + 1, ...; p need not be aligned.
template <VectorLane L>
VITRAIL_INLINE L load(const float* p) {
  L r;
  __builtin_memcpy(&r.v, p, sizeof(r.v));
  return r;
}
// The first n <= width elements at p, then zeros. Memory beyond p + n is not touched.
template <VectorLane L>
VITRAIL_INLINE L load(const float* p, std::size_t n) {
  L r;
  load_(p, n, r);
  return r;
}
template <isa I>
VITRAIL_INLINE void store(float* p, const lane<I>& x) {
  __builtin_memcpy(p, &x.v, sizeof(x.v));
}
// Writes the first n <= width elements of x, and nothing beyond.
template <isa I>
VITRAIL_INLINE void store(float* p, const lane<I>& x, std::size_t n) {
  store_(p, n, x);
}

template <VectorLane L>
VITRAIL_INLINE L constant(double x) {
  return L(static_cast<float>(x));
}
template <isa I>
VITRAIL_INLINE lane<I> select(const mask<I>& condition, const lane<I>& a, const lane<I>& b) {
  lane<I> r;
  r.v = condition.v ? a.v : b.v;
  return r;
}
// The larger element; b where one of them is NaN.
template <isa I>
VITRAIL_INLINE lane<I> max(const lane<I>& a, const lane<I>& b) {
  lane<I> r;
  r.v = a.v > b.v ? a.v : b.v;
  return r;
}
// The smaller element; b where one of them is NaN.
template <isa I>
VITRAIL_INLINE lane<I> min(const lane<I>& a, const lane<I>& b) {
  lane<I> r;
  r.v = a.v < b.v ? a.v : b.v;
  return r;
}
template <isa I>
VITRAIL_INLINE lane<I> sqrt(const lane<I>& x) {
  lane<I> r;
  sqrt_(x, r);
  return r;
}
template <isa I>
VITRAIL_INLINE lane<I> abs(const lane<I>& x) {
  lane<I> r;
  r.v = (typename lane<I>::Floats)((typename lane<I>::Bits)x.v & 0x7fffffff);
  return r;
}
// The first n elements of x, then copies of `fill`.
template <isa I>
VITRAIL_INLINE lane<I> keep(const lane<I>& x, std::size_t n, float fill) {
  lane<I> r(fill);
  keep_(x, n, r);
  return r;
}

// x as it is here: a multiplication before is not fused with an addition behind. Whether the compiler fuses the two
// depends on what it makes of the branches round them; where two code paths must give the same bits, it must not
// decide.
template <isa I>
VITRAIL_INLINE lane<I> rounded(const lane<I>& x) {
  lane<I> r = x;
  rounded_(r);
  return r;
}

// select, max and min with a number on one side: deduction does not convert it.
template <isa I>
VITRAIL_INLINE lane<I> select(const mask<I>& condition, const lane<I>& a, float b) {
  return select(condition, a, lane<I>(b));
}
template <isa I>
VITRAIL_INLINE lane<I> select(const mask<I>& condition, float a, const lane<I>& b) {
  return select(condition, lane<I>(a), b);
}
template <isa I>
VITRAIL_INLINE lane<I> max(const lane<I>& a, float b) {
  return max(a, lane<I>(b));
}
template <isa I>
VITRAIL_INLINE lane<I> max(float a, const lane<I>& b) {
  return max(lane<I>(a), b);
}
template <isa I>
VITRAIL_INLINE lane<I> min(const lane<I>& a, float b) {
  return min(a, lane<I>(b));
}
template <isa I>
VITRAIL_INLINE lane<I> min(float a, const lane<I>& b) {
  return min(lane<I>(a), b);
}

}  // namespace vitrail::inline VITRAIL_TU

#include "lane_shuffle.hpp"
