// config.hpp - what the compiler offers, and the tag under which code of this translation unit is known to the linker.
#pragma once

#include "version.hpp"

#if !defined(__x86_64__) || !defined(__GNUC__)
#error "vitrail needs g++, clang or nvcc on x86-64"
#endif
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "vitrail relies on NaN and infinity: compile without -ffast-math"
#endif
#if defined(__CUDACC__) && defined(__CUDACC_VER_MAJOR__) && __CUDACC_VER_MAJOR__ < 13
#error "vitrail needs nvcc 13 or newer"
#endif

// Code below a kernel's root is always inlined into it: only the root carries the instruction set (backend/isa.hpp).
#define VITRAIL_INLINE __attribute__((always_inline)) inline
#define VITRAIL_LAMBDA __attribute__((always_inline))
#ifdef __CUDACC__
#define VITRAIL_HOST_DEVICE __host__ __device__
// constexpr, which device code may call under --expt-relaxed-constexpr: a template marked __host__ __device__ is an
// error when it is instantiated with lane<I> on the host ("contains a vector, which is not supported in device code").
#define VITRAIL_FUNCTION constexpr VITRAIL_INLINE
#else
#define VITRAIL_HOST_DEVICE
#define VITRAIL_FUNCTION VITRAIL_INLINE
#endif
// VITRAIL_FUNCTION marks a template over lanes, such as a user's elementwise function (value, derivative). Unmarked it
// stays correct, but runs many times slower.

// Two translation units that are compiled for different instruction sets must not share a symbol: the linker would keep
// one of the two bodies. So everything but the exceptions lives in an inline namespace whose name spells the flags that
// change code.
#ifdef __AVX__
#define VITRAIL_TAG_AVX 1
#else
#define VITRAIL_TAG_AVX 0
#endif
#ifdef __AVX2__
#define VITRAIL_TAG_AVX2 1
#else
#define VITRAIL_TAG_AVX2 0
#endif
#ifdef __FMA__
#define VITRAIL_TAG_FMA 1
#else
#define VITRAIL_TAG_FMA 0
#endif
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define VITRAIL_TAG_AVX512 1
#else
#define VITRAIL_TAG_AVX512 0
#endif
#if defined(__AVX512FP16__) || defined(__AVX512BF16__) || defined(__AVX512VNNI__) || defined(__AVX512VBMI__)
#define VITRAIL_TAG_AVX512X 1
#else
#define VITRAIL_TAG_AVX512X 0
#endif
#if defined(__SSE4_2__)
#define VITRAIL_TAG_SSE 2
#elif defined(__SSE3__)
#define VITRAIL_TAG_SSE 1
#else
#define VITRAIL_TAG_SSE 0
#endif
#if defined(__BMI2__) || defined(__F16C__)
#define VITRAIL_TAG_BMI 1
#else
#define VITRAIL_TAG_BMI 0
#endif
#ifdef _OPENMP
#define VITRAIL_TAG_OMP 1
#else
#define VITRAIL_TAG_OMP 0
#endif
#define VITRAIL_TAG_JOIN(a, b, c, d, e, f, g, h) tu_##a##b##c##d##e##f##g##h
#define VITRAIL_TAG(a, b, c, d, e, f, g, h) VITRAIL_TAG_JOIN(a, b, c, d, e, f, g, h)
#define VITRAIL_TU                                                                                  \
  VITRAIL_TAG(VITRAIL_TAG_SSE, VITRAIL_TAG_AVX, VITRAIL_TAG_AVX2, VITRAIL_TAG_FMA, VITRAIL_TAG_BMI, \
              VITRAIL_TAG_AVX512, VITRAIL_TAG_AVX512X, VITRAIL_TAG_OMP)

#ifdef __CUDACC__
// nvcc does not know GCC's unroll pragma, but passes it on to the host compiler, where it counts.
#pragma nv_diag_suppress 1675
#endif
