// inference.cpp - milliseconds of a ViT-B/16 forward at batch 1 and 8, weights packed once.
#include <benchmark/benchmark.h>

#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

namespace {

template <class Net>
void inference(benchmark::State& state) {
  using P = typename Net::policy;
  const auto batch = static_cast<std::size_t>(state.range(0));
  vt::Model<Net> model(vt::seed{1});
  auto predict = vt::predictor(model);
  vt::Batch<typename Net::input, P> images(batch);
  for (std::size_t i = 0; i < images.size(); ++i) {
    images.data()[i] = static_cast<typename P::value>(vt::uniform_at<double>({1, 0, 1}, 0, i));
  }
  predict(images);
  for (auto _ : state) benchmark::DoNotOptimize(predict(images).data());
  state.counters["images/s"] =
      benchmark::Counter(static_cast<double>(batch), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["GFLOP/s"] = benchmark::Counter(static_cast<double>(vt::cost_of<Net>(batch).forward_flops) * 1e-9,
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(inference<vt::ViT_B16<>>)
    ->Name("inference/vit_base_patch16_224")
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
