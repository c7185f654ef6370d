// lane_scalar.hpp - float and double as lanes of width one.
//
// So a functor or a row loop is written once for CPU lanes, double oracles and device code.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// Traits of a lane type L: the element type `value` and the number of elements `width`.
template <class L>
struct lanes;
template <std::floating_point T>
struct lanes<T> {
  using value = T;
  static constexpr std::size_t width = 1;
};

template <std::floating_point L>
VITRAIL_FUNCTION L load(const L* p) {
  return *p;
}
template <std::floating_point L>
VITRAIL_FUNCTION L load(const L* p, std::size_t n) {
  return n > 0 ? *p : L(0);
}
template <std::floating_point L>
VITRAIL_FUNCTION void store(L* p, L x) {
  *p = x;
}
template <std::floating_point L>
VITRAIL_FUNCTION void store(L* p, L x, std::size_t n) {
  if (n > 0) *p = x;
}
template <std::floating_point L>
VITRAIL_FUNCTION L constant(double x) {
  return static_cast<L>(x);
}
template <std::floating_point L>
VITRAIL_FUNCTION L keep(L x, std::size_t n, L fill) {
  return n > 0 ? x : fill;
}
template <std::floating_point L>
VITRAIL_FUNCTION L sum_of(L x) {
  return x;
}
template <std::floating_point L>
VITRAIL_FUNCTION L max_of(L x) {
  return x;
}

// A lane that is no register of this processor says itself how it is read: cuda::quad.
template <class L>
concept OwnLane = requires(const float* p) {
  L::from(p);
};
template <OwnLane L>
VITRAIL_FUNCTION L load(const float* p) {
  return L::from(p);
}
template <OwnLane L>
VITRAIL_FUNCTION L load(const float* p, std::size_t n) {
  return L::from(p, n);
}
template <OwnLane L>
VITRAIL_FUNCTION L constant(double x) {
  return L(static_cast<float>(x));
}

// Templates, so that code which says `using namespace vitrail` still finds the C functions of the same name first: the
// headers of CUDA are compiled after the user's file.
template <std::floating_point T>
VITRAIL_FUNCTION T select(bool condition, T a, T b) {
  return condition ? a : b;
}
// b when one of them is NaN, as in lanes.
template <std::floating_point T>
VITRAIL_FUNCTION T max(T a, T b) {
  return a > b ? a : b;
}
template <std::floating_point T>
VITRAIL_FUNCTION T min(T a, T b) {
  return a < b ? a : b;
}
template <std::floating_point T>
VITRAIL_FUNCTION T abs(T x) {
  if constexpr (std::same_as<T, float>)
    return ::fabsf(x);
  else
    return ::fabs(x);
}
template <std::floating_point T>
VITRAIL_FUNCTION T sqrt(T x) {
  if constexpr (std::same_as<T, float>)
    return ::sqrtf(x);
  else
    return ::sqrt(x);
}

}  // namespace vitrail::inline VITRAIL_TU
