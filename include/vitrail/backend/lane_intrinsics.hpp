// lane_intrinsics.hpp - the few lane operations that need intrinsics. Included by lane.hpp only.
//
// These helpers are the one exception to "no attributes below the roots": attributed, inline, not always_inline, lanes
// by reference. Flatten pulls them into the root through the un-attributed functions between. splat_ is one of them
// because `x - Floats{}` in an un-attributed function of g++ is lowered element by element and comes out as 16 masked
// broadcasts; clang wants exactly that plain form.
#pragma once

#include <immintrin.h>

#include "lane.hpp"

namespace vitrail::inline VITRAIL_TU {

#ifdef __clang__
template <isa I>
VITRAIL_INLINE void splat_(float x, lane<I>& r) {
  r.v = x - typename lane<I>::Floats{};
}
template <isa I>
VITRAIL_INLINE void sqrt_(const lane<I>& x, lane<I>& r) {
  r.v = __builtin_elementwise_sqrt(x.v);
}
#else
VITRAIL_TARGET_avx512 inline void splat_(float x, lane<isa::avx512>& r) {
  r.v = (lane<isa::avx512>::Floats)_mm512_set1_ps(x);
}
VITRAIL_TARGET_avx2 inline void splat_(float x, lane<isa::avx2>& r) {
  r.v = (lane<isa::avx2>::Floats)_mm256_set1_ps(x);
}
inline void splat_(float x, lane<isa::base>& r) { r.v = (lane<isa::base>::Floats)_mm_set1_ps(x); }

// maskz: _mm512_sqrt_ps of g++ 12 warns about an uninitialised value in the user's build.
VITRAIL_TARGET_avx512 inline void sqrt_(const lane<isa::avx512>& x, lane<isa::avx512>& r) {
  r.v = (lane<isa::avx512>::Floats)_mm512_maskz_sqrt_ps(0xffff, (__m512)x.v);
}
VITRAIL_TARGET_avx2 inline void sqrt_(const lane<isa::avx2>& x, lane<isa::avx2>& r) {
  r.v = (lane<isa::avx2>::Floats)_mm256_sqrt_ps((__m256)x.v);
}
inline void sqrt_(const lane<isa::base>& x, lane<isa::base>& r) {
  r.v = (lane<isa::base>::Floats)_mm_sqrt_ps((__m128)x.v);
}
#endif

// An empty instruction that x passes through. Allowed here only: a 64-byte operand in an un-attributed function does
// not compile unless that function is inlined.
VITRAIL_TARGET_avx512 inline void rounded_(lane<isa::avx512>& x) { __asm__("" : "+v"(x.v)); }
VITRAIL_TARGET_avx2 inline void rounded_(lane<isa::avx2>& x) { __asm__("" : "+x"(x.v)); }
inline void rounded_(lane<isa::base>& x) { __asm__("" : "+x"(x.v)); }

// The first n elements: masked loads and stores fault on no byte beyond them.
VITRAIL_TARGET_avx512 inline void load_(const float* p, std::size_t n, lane<isa::avx512>& r) {
  r.v = (lane<isa::avx512>::Floats)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p);
}
VITRAIL_TARGET_avx512 inline void store_(float* p, std::size_t n, const lane<isa::avx512>& x) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), (__m512)x.v);
}
VITRAIL_TARGET_avx512 inline void keep_(const lane<isa::avx512>& x, std::size_t n, lane<isa::avx512>& r) {
  r.v = (lane<isa::avx512>::Floats)_mm512_mask_mov_ps((__m512)r.v, static_cast<__mmask16>((1u << n) - 1u), (__m512)x.v);
}

VITRAIL_TARGET_avx2 inline void first_(std::size_t n, mask<isa::avx2>& m) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  m.v = (mask<isa::avx2>::Bits)_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), index);
}
VITRAIL_TARGET_avx2 inline void load_(const float* p, std::size_t n, lane<isa::avx2>& r) {
  mask<isa::avx2> m;
  first_(n, m);
  r.v = (lane<isa::avx2>::Floats)_mm256_maskload_ps(p, (__m256i)m.v);
}
VITRAIL_TARGET_avx2 inline void store_(float* p, std::size_t n, const lane<isa::avx2>& x) {
  mask<isa::avx2> m;
  first_(n, m);
  _mm256_maskstore_ps(p, (__m256i)m.v, (__m256)x.v);
}
VITRAIL_TARGET_avx2 inline void keep_(const lane<isa::avx2>& x, std::size_t n, lane<isa::avx2>& r) {
  mask<isa::avx2> m;
  first_(n, m);
  r.v = (lane<isa::avx2>::Floats)_mm256_blendv_ps((__m256)r.v, (__m256)x.v, (__m256)m.v);
}

// SSE2 has no masked moves.
inline void load_(const float* p, std::size_t n, lane<isa::base>& r) {
  const __m128 zero = _mm_setzero_ps();
  const __m128 low = n >= 2 ? _mm_loadl_pi(zero, reinterpret_cast<const __m64*>(p)) : n == 1 ? _mm_load_ss(p) : zero;
  const __m128 high = n >= 4   ? _mm_loadl_pi(zero, reinterpret_cast<const __m64*>(p + 2))
                      : n == 3 ? _mm_load_ss(p + 2)
                               : zero;
  r.v = (lane<isa::base>::Floats)_mm_movelh_ps(low, high);
}
inline void store_(float* p, std::size_t n, const lane<isa::base>& x) {
  for (std::size_t i = 0; i < 4; ++i)
    if (i < n) p[i] = x.v[i];
}
inline void keep_(const lane<isa::base>& x, std::size_t n, lane<isa::base>& r) {
  const __m128i m = _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(n)), _mm_setr_epi32(0, 1, 2, 3));
  r.v = (lane<isa::base>::Floats)_mm_or_ps(_mm_and_ps((__m128)m, (__m128)x.v), _mm_andnot_ps((__m128)m, (__m128)r.v));
}

}  // namespace vitrail::inline VITRAIL_TU
