// gpu_step.cu - vt::gpu: training steps of a ViT compile and link for the device; where there is one, they give the
// host's results, eager and as a graph.
#include "catch.hpp"

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/step.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_gpu.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

#include <cstddef>
#include <vector>

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig small{
    .image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32, .dropout = 0.1};

template <class P>
std::vector<float> train(bool graphs) {
  using Net = vt::ViT<small, 3, P>;
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels), logits};
  });
  step.set_graphs(graphs);
  vt::AdamW optimiser(model, {.rate = 1e-2});
  vt::Batch<typename Net::input, vt::cpu> images(6);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i);
  const vt::Labels labels{0, 1, 2, 0, 1, 2};
  std::vector<float> numbers;
  for (int i = 0; i < 5; ++i) {
    auto [loss, logits] = step(images, labels);
    optimiser.update(step);
    numbers.push_back(loss);
  }
  auto predict = vt::predictor(model);
  const std::vector<float> logits = predict(images).to_vector();
  numbers.insert(numbers.end(), logits.begin(), logits.end());
  return numbers;
}

}  // namespace

TEST_CASE("a ViT trains on the GPU as on the host, eager and as a graph") {
  const std::vector<float> host = train<vt::cpu>(false), eager = train<vt::gpu>(false), graph = train<vt::gpu>(true);
  CHECK((eager == graph));
  for (std::size_t i = 0; i < host.size(); ++i) CHECK(eager[i] == Approx(host[i]).epsilon(1e-3).margin(1e-4));
}
