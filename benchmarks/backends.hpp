// backends.hpp - the same operations and models on any backend, from small to ViT-L: where does which one win?
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/step.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

namespace vt = vitrail;

namespace backends {

constexpr vt::ViTConfig d64{.image = 28, .channels = 1, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};
template <class P>
using ViT_d64 = vt::ViT<d64, 10, P>;

// One operation as a model: tokens [197, 192] go in.
template <class P>
struct Operation {
  using policy = P;
  using input = vt::Shape<197, 192>;
  static constexpr bool has_uncounted_members = true;
};
template <class P>
struct Linear : Operation<P>, vt::Module<Linear<P>> {
  vt::Linear<192, 768, P> layer;
  static constexpr void visit(auto& self, auto&& f) { f("layer", self.layer); }
  constexpr auto forward(const auto& x) const { return layer(x); }
};
template <class P>
struct Norm : Operation<P>, vt::Module<Norm<P>> {
  vt::LayerNorm<192, P> layer;
  static constexpr void visit(auto& self, auto&& f) { f("layer", self.layer); }
  constexpr auto forward(const auto& x) const { return layer(x); }
};
template <class P>
struct Attention : Operation<P>, vt::Module<Attention<P>> {
  static constexpr void visit(auto&, auto&&) {}
  constexpr auto forward(const auto& x) const { return vt::attention<1>(x); }
};
template <class P>
struct Gelu : Operation<P>, vt::Module<Gelu<P>> {
  static constexpr void visit(auto&, auto&&) {}
  constexpr auto forward(const auto& x) const { return vt::gelu(x); }
};

template <class Net>
auto random_batch(std::size_t count) {
  vt::Batch<typename Net::input, vt::host_policy<typename Net::policy>> batch(count);
  for (std::size_t i = 0; i < batch.size(); ++i) batch.data()[i] = vt::normal_at<float>({1, 0, 1}, 0, i);
  return batch;
}
inline void count_images(benchmark::State& state) {
  state.counters["images/s"] =
      benchmark::Counter(static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate);
}
// Inputs come from the host's memory and results go back there, as for a user.
template <class Net>
void inference(benchmark::State& state) {
  const vt::Model<Net> model(vt::seed{1});
  auto predict = vt::predictor(model);
  const auto x = random_batch<Net>(static_cast<std::size_t>(state.range(0)));
  for (int i = 0; i < 3; ++i) predict(x);
  for (auto _ : state) benchmark::DoNotOptimize(predict(x).data());
  count_images(state);
}
// Forward, backward and AdamW; the loss goes back to the host.
template <class Net>
void training(benchmark::State& state) {
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(
      model, [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; });
  vt::AdamW optimiser(model);
  const auto images = random_batch<Net>(static_cast<std::size_t>(state.range(0)));
  vt::Labels labels;
  labels.resize(images.count());
  for (std::size_t b = 0; b < images.count(); ++b) labels.data()[b] = static_cast<int>(b % 10);
  for (int i = 0; i < 3; ++i) step(images, labels), optimiser.update(step);
  for (auto _ : state) {
    step(images, labels);
    optimiser.update(step);
  }
  count_images(state);
}

inline void add(const std::string& name, void (*run)(benchmark::State&), std::initializer_list<int> batches) {
  auto* added = benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const int batch : batches) added->Arg(batch);
}
template <class P>
void add_operations(const std::string& backend) {
  add("linear/" + backend, inference<Linear<P>>, {8, 64});
  add("layer_norm/" + backend, inference<Norm<P>>, {8, 64});
  add("attention/" + backend, inference<Attention<P>>, {8, 64});
  add("gelu/" + backend, inference<Gelu<P>>, {8, 64});
}
template <class Net>
void add_model(const std::string& model, const std::string& backend, std::initializer_list<int> batches) {
  add("inference " + model + "/" + backend, inference<Net>, batches);
  add("training " + model + "/" + backend, training<Net>, batches);
}

}  // namespace backends
