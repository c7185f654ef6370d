// isa.hpp - instruction sets chosen at run time, header-only and without compiler flags.
//
// A kernel is a type with one static body, `template <isa I> VITRAIL_INLINE static void body(args...)`, that computes
// with lane<I> (lane.hpp). Bodies, helpers, lambdas and functors carry no target attribute and are always inlined; the
// only functions that carry one are the roots on<I>::call<Kernel> below, into which everything is flattened. The other
// way round (attributed helpers, plain callers) does not compile on g++ and clang, or gives wrong results when
// something is not inlined. OpenMP, allocation, exceptions and containers stay in the drivers above the roots.
#pragma once

#include <cstddef>

#include "../config.hpp"

#ifdef __clang__
// clang contracts a * b + c only inside one expression unless told; g++ does it across inlined functions anyway.
#define VITRAIL_CONTRACT _Pragma("clang fp contract(fast)")
// clang's flatten reaches direct calls only: a call of a functor from outside is forced with a statement attribute.
#define VITRAIL_INLINE_CALL [[clang::always_inline]]
// Without min_vector_width clang splits 64-byte vectors into halves when it tunes for a machine that prefers 32 bytes.
#define VITRAIL_TARGET(...) __attribute__((target(__VA_ARGS__), min_vector_width(512)))
#else
#define VITRAIL_CONTRACT
#define VITRAIL_INLINE_CALL
#define VITRAIL_TARGET(...) __attribute__((target(__VA_ARGS__)))
#endif
#define VITRAIL_TARGET_avx512 VITRAIL_TARGET("avx,avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")
#define VITRAIL_TARGET_avx2 VITRAIL_TARGET("avx,avx2,fma")
#define VITRAIL_TARGET_base

namespace vitrail::inline VITRAIL_TU {

// The instruction sets that kernels are compiled for, in ascending order: SSE2, AVX2 with FMA, AVX-512 (F, DQ, BW,
// VL).
enum class isa { base, avx2, avx512 };

// The highest level that this machine runs.
inline isa best_isa() {
  const bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return fma && wide ? isa::avx512 : fma ? isa::avx2 : isa::base;
}

// What the flags of this translation unit promise anyway. Levels below it are not instantiated: a build with
// -march=native pays for one level, and a lower one asked for at run time is raised to it.
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__FMA__)
inline constexpr isa floor_isa = isa::avx512;
#elif defined(__AVX2__) && defined(__FMA__)
inline constexpr isa floor_isa = isa::avx2;
#else
inline constexpr isa floor_isa = isa::base;
#endif

// The level that really runs when `level` is asked for in this translation unit.
constexpr isa effective_isa(isa level) { return level < floor_isa ? floor_isa : level; }

// The roots: on<I>::call<Kernel>(args...) runs Kernel::body<I>(args...) compiled for I. Arguments are scalars,
// pointers and trivially copyable structs, never lanes. The attribute cannot depend on I, hence three specialisations,
// once for all kernels.
template <isa I>
struct on;
#define VITRAIL_LEVEL(I)                                                                             \
  template <>                                                                                        \
  struct on<isa::I> {                                                                                \
    template <class Kernel, class... Arguments>                                                      \
    VITRAIL_TARGET_##I __attribute__((flatten, noinline)) static auto call(Arguments... arguments) { \
      return Kernel::template body<isa::I>(arguments...);                                            \
    }                                                                                                \
  };
VITRAIL_LEVEL(base)
VITRAIL_LEVEL(avx2)
VITRAIL_LEVEL(avx512)
#undef VITRAIL_LEVEL

// Calls f.operator()<I>() with the constant I of a run-time level: one switch per operation, in the driver.
template <class F>
auto at_level(isa level, const F& f) {
  if (level == isa::avx512) return f.template operator()<isa::avx512>();
  if constexpr (floor_isa < isa::avx512)
    if (level == isa::avx2) return f.template operator()<isa::avx2>();
  return f.template operator()<floor_isa>();
}

// Runs a kernel at a run-time level.
template <class Kernel, class... Arguments>
auto launch(isa level, Arguments... arguments) {
  return at_level(level, [&]<isa I>() { return on<I>::template call<Kernel>(arguments...); });
}

}  // namespace vitrail::inline VITRAIL_TU
