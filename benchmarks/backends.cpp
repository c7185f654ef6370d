// backends.cpp - the same operations and the same training step of a ViT on Serial, OpenMP and Thrust's OpenMP system.
#include <benchmark/benchmark.h>

#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/nn/policy_thrust.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig small{.image = 28, .channels = 1, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};

// One operation as a model: tokens [197, 192] of 8 samples go in.
template <class P>
struct Operation {
  using policy = P;
  using input = vt::Shape<197, 192>;
};
template <class P>
struct Linear : Operation<P>, vt::Module<Linear<P>> {
  static constexpr bool has_uncounted_members = true;
  vt::Linear<192, 768, P> layer;
  static constexpr void visit(auto& self, auto&& f) { f("layer", self.layer); }
  constexpr auto forward(const auto& x) const { return layer(x); }
};
template <class P>
struct Norm : Operation<P>, vt::Module<Norm<P>> {
  static constexpr bool has_uncounted_members = true;
  vt::LayerNorm<192, P> layer;
  static constexpr void visit(auto& self, auto&& f) { f("layer", self.layer); }
  constexpr auto forward(const auto& x) const { return layer(x); }
};
template <class P>
struct Attention : Operation<P>, vt::Module<Attention<P>> {
  static constexpr bool has_uncounted_members = true;
  static constexpr void visit(auto&, auto&&) {}
  constexpr auto forward(const auto& x) const { return vt::attention<1>(x); }
};
template <class P>
struct Gelu : Operation<P>, vt::Module<Gelu<P>> {
  static constexpr bool has_uncounted_members = true;
  static constexpr void visit(auto&, auto&&) {}
  constexpr auto forward(const auto& x) const { return vt::gelu(x); }
};

template <class Batch>
void fill(Batch& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch.data()[i] = static_cast<typename Batch::value>(vt::normal_at<double>({1, 0, 1}, 0, i));
  }
}

template <class Net>
void forward(benchmark::State& state) {
  const vt::Model<Net> model(vt::seed{1});
  auto predict = vt::predictor(model);
  vt::Batch<typename Net::input, typename Net::policy> x(8);
  fill(x);
  for (auto _ : state) benchmark::DoNotOptimize(predict(x).data());
}

template <class P>
void training(benchmark::State& state) {
  using Net = vt::ViT<small, 10, P>;
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(
      model, [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; });
  vt::AdamW optimiser(model);
  vt::Batch<typename Net::input, P> images(16);
  fill(images);
  const vt::Labels labels{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5};
  for (auto _ : state) {
    step(images, labels);
    optimiser.update(step);
  }
  state.counters["images/s"] = benchmark::Counter(16, benchmark::Counter::kIsIterationInvariantRate);
}

#define ON_EVERY_BACKEND(function, name)                                                                      \
  BENCHMARK(function<name<vt::serial>>)->Name(#name "/serial")->Unit(benchmark::kMicrosecond)->UseRealTime(); \
  BENCHMARK(function<name<vt::cpu>>)->Name(#name "/openmp")->Unit(benchmark::kMicrosecond)->UseRealTime();    \
  BENCHMARK(function<name<vt::thrust_host>>)->Name(#name "/thrust")->Unit(benchmark::kMicrosecond)->UseRealTime()
ON_EVERY_BACKEND(forward, Linear);
ON_EVERY_BACKEND(forward, Norm);
ON_EVERY_BACKEND(forward, Attention);
ON_EVERY_BACKEND(forward, Gelu);
BENCHMARK(training<vt::serial>)->Name("training/d64/serial")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(training<vt::cpu>)->Name("training/d64/openmp")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(training<vt::thrust_host>)->Name("training/d64/thrust")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
