// peak.hpp - the most fp32 operations that the machine does in a second: what speeds are measured against.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "../backend/lane.hpp"
#include "../backend/workers.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
// Independent chains of fused multiply-adds; 12 of them fill two units of latency four, and all stay in registers.
struct MultiplyAdd {
  static constexpr std::size_t repeats = 1 << 16, chains = 12;

  template <isa I>
  VITRAIL_INLINE static void body(float* result) {
    using L = lane<I>;
    L sums[chains];
    const L factor(0.9f), term(0.3f);
#pragma GCC unroll 12
    for (std::size_t c = 0; c < chains; ++c) sums[c] = L(static_cast<float>(c));
    for (std::size_t r = 0; r < repeats; ++r) {
#pragma GCC unroll 12
      for (std::size_t c = 0; c < chains; ++c) sums[c] = sums[c] * factor + term;
    }
    L total(0.0f);
#pragma GCC unroll 12
    for (std::size_t c = 0; c < chains; ++c) total += sums[c];
    *result = sum_of(total);
  }
};
}  // namespace detail

// Runs multiply-adds on all of the workers' threads, at their instruction set, and returns how many FLOPs those were.
// `results` has 16 floats per thread.
inline double run_multiply_adds(const Workers& workers, float* results) {
  workers.chunks(workers.threads, false,
                 [&](std::size_t t) { launch<detail::MultiplyAdd>(workers.level, results + 16 * t); });
  const isa level = effective_isa(workers.level);
  const std::size_t width = level == isa::avx512 ? 16 : level == isa::avx2 ? 8 : 4;
  return static_cast<double>(2 * detail::MultiplyAdd::repeats * detail::MultiplyAdd::chains * width * workers.threads);
}

// FLOP/s of fp32 multiply-adds on all of the workers' threads together, the best of `trials` short runs. Takes some
// milliseconds.
inline double measured_peak(const Workers& workers, int trials = 20) {
  std::vector<float> results(16 * workers.threads);
  double best = 0;
  for (int i = 0; i < trials; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const double flops = run_multiply_adds(workers, results.data());
    best = std::max(best, flops / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace vitrail::inline VITRAIL_TU
