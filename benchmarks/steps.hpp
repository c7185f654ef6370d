// steps.hpp - a training step and an inference of any model as benchmarks, in images per second.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <iostream>
#include <vitrail/inspect/profile.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

// Forward, backward and AdamW.
template <class Model>
void train(Model& model, benchmark::State& state, bool timed) {
  using Net = typename Model::module;
  using P = typename Net::policy;
  const auto batch = static_cast<std::size_t>(state.range(0));
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
  vt::Model<Net> model(vt::seed{1});
  train(model, state, false);
}
template <class Net>
void profile(benchmark::State& state) {
  vt::Model<Net> model(vt::seed{1});
  train(model, state, true);
}

// Weights are packed once.
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
