// peak.cpp - the most fused multiply-adds that the machine's floats reach, on one thread and on all: what kernels are
// measured against.
#include <benchmark/benchmark.h>

#include <vector>
#include <vitrail/backend/lane.hpp>
#include <vitrail/backend/workers.hpp>

namespace vt = vitrail;

namespace {

constexpr std::size_t repeats = 1 << 16, chains = 12;  // enough independent chains to fill two units of latency four

struct MultiplyAdd {
  template <vt::isa I>
  VITRAIL_INLINE static void body(float* result) {
    using L = vt::lane<I>;
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
    *result = vt::sum_of(total);
  }
};

void peak(benchmark::State& state) {
  vt::Workers workers;
  workers.threads = static_cast<std::size_t>(state.range(0));
  std::vector<float> results(16 * workers.threads);
  for (auto _ : state) {
    workers.chunks(workers.threads, false,
                   [&](std::size_t t) { vt::launch<MultiplyAdd>(workers.level, results.data() + 16 * t); });
    benchmark::DoNotOptimize(results.data());
  }
  const std::size_t width = workers.level == vt::isa::avx512 ? 16 : workers.level == vt::isa::avx2 ? 8 : 4;
  state.counters["GFLOP/s"] =
      benchmark::Counter(static_cast<double>(2 * repeats * chains * width * workers.threads) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(peak)->Arg(1)->Arg(static_cast<int>(vt::Workers::default_threads()))->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
