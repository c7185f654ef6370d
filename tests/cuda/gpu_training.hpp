// gpu_training.hpp - trains a model on the host and on the GPU, eager and as a graph. The host's part runs without a
// device.
#pragma once

#include "catch.hpp"

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/step.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_gpu.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

#include <cstddef>
#include <vector>

namespace test {

inline bool device_is_there() {
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}
struct LogitLoss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    vitrail::Var logits = net(x);
    return vitrail::Step{vitrail::cross_entropy(logits, labels), logits};
  }
};
// Losses of 7 steps, of which the last three are replayed, then logits.
template <class Model>
std::vector<float> losses_and_logits(Model& model, bool graphs) {
  auto step = vitrail::training_step(model, LogitLoss{});
  step.set_graphs(graphs);
  vitrail::AdamW optimiser(model, {.rate = 1e-2});
  vitrail::Batch<typename Model::module::input, vitrail::cpu> images(6);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vitrail::normal_at<float>({5, 0, 1}, 0, i);
  const vitrail::Labels labels{0, 1, 2, 0, 1, 2};
  std::vector<float> numbers;
  for (int i = 0; i < 7; ++i) {
    auto [loss, logits] = step(images, labels);
    optimiser.update(step);
    numbers.push_back(loss);
  }
  auto predict = vitrail::predictor(model);
  const std::vector<float> logits = predict(images).to_vector();
  numbers.insert(numbers.end(), logits.begin(), logits.end());
  return numbers;
}
inline void check_close(const std::vector<float>& found, const std::vector<float>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("number " << i);
    CHECK(found[i] == Approx(expected[i]).epsilon(tolerance).margin(tolerance));
  }
}
// train.template operator()<policy>(graphs) trains a model of that policy.
template <class Train>
void check_on_gpu(const Train& train) {
  const std::vector<float> host = train.template operator()<vitrail::cpu>(false);
  CHECK(host[4] < host[0]);
  if (!device_is_there()) {
    WARN("skipped on the GPU: there is none");
    return;
  }
  const std::vector<float> eager = train.template operator()<vitrail::gpu>(false),
                           graph = train.template operator()<vitrail::gpu>(true);
  CHECK((eager == graph));
  check_close(eager, host, 1e-3);
}
// With activations in bf16.
template <class Train>
void check_on_gpu_bf16(const Train& train) {
  const std::vector<float> host = train.template operator()<vitrail::cpu>(false);
  if (!device_is_there()) {
    WARN("skipped on the GPU: there is none");
    return;
  }
  const std::vector<float> graph = train.template operator()<vitrail::gpu_bf16>(true);
  CHECK((graph == train.template operator()<vitrail::gpu_bf16>(false)));
  check_close(graph, host, 3e-2);
}
// Of Net<policy>.
template <template <class> class Net>
struct TrainModel {
  template <class P>
  std::vector<float> operator()(bool graphs) const {
    vitrail::Model<Net<P>> model(vitrail::seed{1}, vitrail::backend{.threads = 2});
    return losses_and_logits(model, graphs);
  }
};

}  // namespace test
