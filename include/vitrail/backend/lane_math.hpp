// lane_math.hpp - exp, log, erf, tanh and sigmoid for lanes, float and double.
//
// Largest errors of the lanes, in units in the last place, over every 37th float (with / without fused multiply-add):
// exp 1.01 / 0.98, log 0.85 / 1.07, erf 1.06 / 1.13, tanh 1.30, sigmoid 2.43.
#pragma once

#include "lane.hpp"

namespace vitrail::inline VITRAIL_TU {

template <std::floating_point T>
VITRAIL_FUNCTION T exp(T x) {
  if constexpr (std::same_as<T, float>)
    return ::expf(x);
  else
    return ::exp(x);
}
template <std::floating_point T>
VITRAIL_FUNCTION T log(T x) {
  if constexpr (std::same_as<T, float>)
    return ::logf(x);
  else
    return ::log(x);
}
template <std::floating_point T>
VITRAIL_FUNCTION T erf(T x) {
  if constexpr (std::same_as<T, float>)
    return ::erff(x);
  else
    return ::erf(x);
}
template <std::floating_point T>
VITRAIL_FUNCTION T tanh(T x) {
  if constexpr (std::same_as<T, float>)
    return ::tanhf(x);
  else
    return ::tanh(x);
}
template <std::floating_point T>
VITRAIL_FUNCTION T sigmoid(T x) {
  return T(1) / (T(1) + exp(-x));
}
template <std::floating_point T>
VITRAIL_FUNCTION T log1p(T x) {
  if constexpr (std::same_as<T, float>)
    return ::log1pf(x);
  else
    return ::log1p(x);
}
template <std::floating_point T>
VITRAIL_FUNCTION T pow(T x, T y) {
  if constexpr (std::same_as<T, float>)
    return ::powf(x, y);
  else
    return ::pow(x, y);
}

// e^x. A result below the smallest normal number is zero, beyond the largest number infinity; NaN stays NaN.
template <isa I>
VITRAIL_INLINE lane<I> exp(const lane<I>& a) {
  using L = lane<I>;
  using Bits = typename L::Bits;
  using Words = typename L::Words;
  constexpr float lowest = -87.33654f, highest = 88.72283f;
  const L x = min(L(highest), max(L(lowest), a));  // in this order NaN passes
  // x = n ln 2 + r with |r| <= ln 2 / 2: adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of t. ln
  // 2 in two parts, the first with 9 trailing zeros, so that n * ln2_high is exact.
  const L t = x * 1.44269504088896341f + 12582912.0f;
  const L n = t - 12582912.0f;
  L r = x - n * 0.693145751953125f;
  r = r - n * 1.42860682030941723e-6f;
  L p = L(0.0013818938750773668f);
  p = p * r + 0.008368703536689281f;
  p = p * r + 0.04166828840970993f;
  p = p * r + 0.1666652113199234f;
  p = p * r + 0.4999999403953552f;
  p = (p * r) * r + r;
  p = p + 1.0f;
  p = L::of_bits((Bits)((Words)p.v + ((Words)t.v << 23)));  // times 2^n
  p = select(a < L(lowest), L(0.0f), p);
  return select(a <= L(highest), p, a * __builtin_inff());
}

// The natural logarithm; log(0) = -infinity, NaN below zero. Subnormal numbers count as zero, as everywhere in the
// kernels.
template <isa I>
VITRAIL_INLINE lane<I> log(const lane<I>& a) {
  using L = lane<I>;
  using Bits = typename L::Bits;
  using Words = typename L::Words;
  // a = 2^i (1 + m) with 1 + m in [2/3, 4/3): the difference of the bits to those of 2/3 has the exponent on top.
  const Words e = ((Words)a.v - 0x3f2aaaabu) & 0xff800000u;
  const L m = L::of_bits((Bits)((Words)a.v - e)) - 1.0f;
  L i;
  i.v = __builtin_convertvector((Bits)e, typename L::Floats);
  i = i * 1.1920928955078125e-7f;  // 2^-23
  const L s = m * m;
  L r = L(-0.130310059f), t = L(0.140869141f);  // two chains of half the length
  r = r * s - 0.121483773f;
  t = t * s + 0.139814854f;
  r = r * s - 0.166846126f;
  t = t * s + 0.200120345f;
  r = r * s - 0.249996200f;
  r = t * m + r;
  r = r * m + 0.333331972f;
  r = r * m - 0.5f;
  r = r * s + m;
  r = i * 0.693147182f + r;
  const L below = select(a < L(0.0f), L(__builtin_nanf("")), L(-__builtin_inff()));
  r = select(a < L(__builtin_inff()), r, a + a);
  return select(a < L(1.17549435e-38f), below, r);
}

// The error function.
template <isa I>
VITRAIL_INLINE lane<I> erf(const lane<I>& a) {
  using L = lane<I>;
  using Bits = typename L::Bits;
  // 1 - exp(polynomial) from 0.927 on, an odd polynomial below; erf(4) rounds to 1.
  const L t = min(L(4.0f), abs(a));
  L q = L(0.00021460292919073254f);
  q = q * t - 0.0032200405839830637f;
  q = q * t + 0.022906234487891197f;
  q = q * t - 0.10528715699911118f;
  q = q * t - 0.6356991529464722f;
  q = q * t - 1.1285200119018555f;
  L big = 1.0f - exp(q * t);
  big = L::of_bits((Bits)big.v | ((Bits)a.v & static_cast<std::int32_t>(0x80000000u)));
  const L s = a * a;
  L p = L(-0.0005970894708298147f);
  p = p * s + 0.004989532753825188f;
  p = p * s - 0.026764405891299248f;
  p = p * s + 0.11281768232584f;
  p = p * s - 0.37612491846084595f;
  p = p * s + 0.12837915122509003f;
  p = p * a + a;
  return select(t > L(0.927f), big, p);
}

// The hyperbolic tangent.
template <isa I>
VITRAIL_INLINE lane<I> tanh(const lane<I>& a) {
  using L = lane<I>;
  using Bits = typename L::Bits;
  // 1 - 2 / (e^2t + 1) cancels below 0.625: an odd polynomial there.
  const L t = abs(a);
  L big = 1.0f - 2.0f / (exp(t + t) + 1.0f);
  big = L::of_bits((Bits)big.v | ((Bits)a.v & static_cast<std::int32_t>(0x80000000u)));
  const L s = a * a;
  L p = L(-5.70498872745e-3f);
  p = p * s + 2.06390887954e-2f;
  p = p * s - 5.37397155531e-2f;
  p = p * s + 1.33314422036e-1f;
  p = p * s - 3.33332819422e-1f;
  p = (p * s) * a + a;
  return select(t > L(0.625f), big, p);
}

// log(1 + x) for x >= 0, also where 1 + x rounds to 1 (Kahan): what rounding took from u = 1 + x comes back as x / (u -
// 1).
template <isa I>
VITRAIL_INLINE lane<I> log1p(const lane<I>& x) {
  using L = lane<I>;
  const L u = rounded(L(x + 1.0f));
  return select(u == L(1.0f), x, log(u) * (x / (u - 1.0f)));
}

// x to the power of y for x >= 0, as exp(y log x): the error grows with |y log x|, 6 ulp at 10. NaN for negative x.
template <isa I>
VITRAIL_INLINE lane<I> pow(const lane<I>& x, const lane<I>& y) {
  using L = lane<I>;
  return select(y == L(0.0f), L(1.0f), exp(y * log(x)));
}

// 1 / (1 + e^-x).
template <isa I>
VITRAIL_INLINE lane<I> sigmoid(const lane<I>& x) {
  return 1.0f / (1.0f + exp(-x));
}

}  // namespace vitrail::inline VITRAIL_TU
