// peak.cpp - the most fused multiply-adds that the machine's floats reach, on one thread and on all: what kernels are
// measured against.
#include <benchmark/benchmark.h>

#include <vector>
#include <vitrail/inspect/peak.hpp>

namespace vt = vitrail;

namespace {

void peak(benchmark::State& state) {
  vt::Workers workers;
  workers.threads = static_cast<std::size_t>(state.range(0));
  std::vector<float> results(16 * workers.threads);
  double flops = 0;
  for (auto _ : state) {
    flops = vt::run_multiply_adds(workers, results.data());
    benchmark::DoNotOptimize(results.data());
  }
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(peak)->Arg(1)->Arg(static_cast<int>(vt::Workers::default_threads()))->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
