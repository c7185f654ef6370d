// training.cpp - images per second of a training step (forward, backward, AdamW) of a ViT, and where its time goes.
#include <benchmark/benchmark.h>

#include <chrono>
#include <iostream>
#include <vitrail/inspect/profile.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig small{.image = 28, .channels = 1, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};

template <class Net>
void train(benchmark::State& state, bool timed) {
  using P = typename Net::policy;
  const auto batch = static_cast<std::size_t>(state.range(0));
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(
      model, [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; });
  vt::AdamW optimiser(model);
  vt::Batch<typename Net::input, P> images(batch);
  vt::Labels labels;
  labels.resize(batch);
  for (std::size_t i = 0; i < images.size(); ++i) {
    images.data()[i] = static_cast<typename P::value>(vt::normal_at<double>({1, 0, 1}, 0, i));
  }
  for (std::size_t b = 0; b < batch; ++b) labels.data()[b] = static_cast<int>(b % Net::classes);
  for (int i = 0; i < 3; ++i) step(images, labels), optimiser.update(step);
  step.set_timed(timed);
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    step(images, labels);
    optimiser.update(step);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  constexpr vt::Cost cost = vt::cost_of<Net>(1);
  const auto steps = static_cast<double>(state.iterations());
  const double flops = steps * static_cast<double>(batch * (cost.forward_flops + cost.backward_flops));
  state.counters["images/s"] = steps * static_cast<double>(batch) / seconds;
  state.counters["GFLOP/s"] = flops / seconds * 1e-9;
  if (timed) std::cerr << vt::profile(step);
}

template <class Net>
void training(benchmark::State& state) {
  train<Net>(state, false);
}
template <class Net>
void profile(benchmark::State& state) {
  train<Net>(state, true);
}
// As before the last block computed the class token alone.
constexpr vt::ViTConfig whole_small = [] {
  vt::ViTConfig c = small;
  c.whole_last_block = true;
  return c;
}();
using Small = vt::ViT<small, 10>;
using WholeSmall = vt::ViT<whole_small, 10>;
using Tiny = vt::ViT_Ti16<>;

BENCHMARK(training<Small>)->Name("training/d64")->Arg(8)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(training<WholeSmall>)
    ->Name("training/d64_whole_last_block")
    ->Arg(64)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(training<Tiny>)->Name("training/vit_tiny_patch16_224")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(profile<Small>)->Name("profile/d64")->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(profile<Tiny>)->Name("profile/vit_tiny_patch16_224")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
