// memory.cpp - what a training step keeps, computes again, and takes: time and memory of one step each. Run one with
// --benchmark_filter to have its peak memory alone.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig recomputing(vt::ViTConfig config) {
  config.recompute = true;
  return config;
}
using Small = vt::ViT_S16<>;
using Base = vt::ViT_B16<>;
using SmallBlocks = vt::ViT<recomputing(vt::vit_small_patch16_224), 1000>;
using BaseBlocks = vt::ViT<recomputing(vt::vit_base_patch16_224), 1000>;

struct Data {
  vt::Batch<vt::Shape<3, 224, 224>> images;
  vt::Labels labels;
  explicit Data(std::size_t batch) : images(batch) {
    labels.resize(batch);
    for (std::size_t i = 0; i < images.size(); ++i) {
      images.data()[i] = static_cast<float>(vt::normal_at<double>({1, 0, 1}, 0, i));
    }
    for (std::size_t b = 0; b < batch; ++b) labels.data()[b] = static_cast<int>(b);
  }
};

// One step with its optimiser. Arena and bound per image are of the batched region; 1 MB is 10^6 bytes. The share of
// time that cheap operations may take again is PerMille.
template <class Net, int PerMille>
void training(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const Data data(batch);
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(
      model, [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; },
      {.recompute_share = PerMille / 1000.0});
  vt::AdamW optimiser(model);
  step(data.images, data.labels);
  for (auto _ : state) {
    step(data.images, data.labels);
    optimiser.update(step);
  }
  const vt::Plan& plan = step.plan();
  state.counters["MB/image"] = static_cast<double>(plan.arena.batched) * 1e-6;
  state.counters["bound/image"] = static_cast<double>(plan.lower_bound.batched) * 1e-6;
  state.counters["arena MB"] = static_cast<double>(step.arena_bytes()) * 1e-6;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak RSS MB"] = static_cast<double>(usage.ru_maxrss) * 1024e-6;
}
#define ROW(net, per_mille, name)              \
  BENCHMARK_TEMPLATE(training, net, per_mille) \
      ->Name("training/" name)                 \
      ->Arg(8)                                 \
      ->Unit(benchmark::kMillisecond)          \
      ->UseRealTime()
ROW(Small, 0, "small/keep_all");
ROW(Small, 20, "small/default");
ROW(SmallBlocks, 0, "small/blocks");
ROW(Base, 0, "base/keep_all");
ROW(Base, 20, "base/default");
ROW(BaseBlocks, 0, "base/blocks");

// A linear probe's step against the forward of inference on the same batch.
using Probe = vt::ViT_B16<vt::with_tuning<vt::cpu, vt::train_only<vt::site::head>>>;
void inference(benchmark::State& state) {
  const Data data(static_cast<std::size_t>(state.range(0)));
  const vt::Model<Base> model(vt::seed{1});
  auto predict = vt::predictor(model);
  predict(data.images);
  for (auto _ : state) benchmark::DoNotOptimize(predict(data.images).data());
}
BENCHMARK_TEMPLATE(training, Probe, 20)
    ->Name("probe_step")
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(inference)->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
