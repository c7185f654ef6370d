// cnn_step.cu - training steps of convolutional networks through nvcc: their configurations, operations and running
// statistics, and what comes out runs on the host. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/step.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/models/cnn.hpp>
#include <vitrail/models/resnet.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/tensor/tensor.hpp>
#include <vitrail/train/adamw.hpp>

#include <cstddef>
#include <vector>

namespace vt = vitrail;

namespace {

template <class Model, std::size_t Parameters>
constexpr bool has_parameters = vt::cost_of<Model>(1).parameters == Parameters;
static_assert(has_parameters<vt::ResNet18<>, 11'689'512>);
static_assert(has_parameters<vt::ResNet34<>, 21'797'672>);
static_assert(has_parameters<vt::ResNet20<>, 272'474>);

struct Result {
  std::vector<float> losses, gradients, statistics, logits;
};
template <class Net>
Result train() {
  vt::Model<Net> model(vt::seed{1}, vt::backend{.threads = 2});
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels), logits};
  });
  vt::AdamW optimiser(model, {.rate = 1e-2});
  vt::Batch<typename Net::input, typename Net::policy> images(6);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i);
  const vt::Labels labels{0, 1, 2, 0, 1, 2};
  step.set_poison(true);
  Result result;
  for (int i = 0; i < 10; ++i) {
    auto [loss, logits] = step(images, labels);
    for (std::size_t k = 0; k < model.trainable().table.size() && i == 0; ++k) {
      const float* gradient = step.gradients() + model.trainable().table[k].offset;
      result.gradients.insert(result.gradients.end(), gradient, gradient + model.trainable().table[k].size);
    }
    optimiser.update(step);
    result.losses.push_back(loss);
  }
  const auto& statistics = model.statistics().values;
  result.statistics.assign(statistics.data(), statistics.data() + statistics.size());
  auto predict = vt::predictor(model);
  result.logits = predict(images).to_vector();
  return result;
}
void check_close(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("number " << i);
    REQUIRE(a[i] == Approx(b[i]).epsilon(tolerance).margin(tolerance));
  }
}
void check_alike(const Result& a, const Result& b) {
  CHECK(a.losses.back() < 0.9f * a.losses.front());
  check_close(a.gradients, b.gradients, 1e-5);
  check_close(a.losses, b.losses, 1e-3);
  check_close(a.statistics, b.statistics, 1e-2);
  check_close(a.logits, b.logits, 1e-2);
}
constexpr vt::ResNetConfig resnet{
    .image = 9, .width = 4, .layer1 = 1, .layer2 = 1, .layer3 = 0, .layer4 = 0, .stem = vt::resnet_stem::small};

}  // namespace

TEST_CASE("a ResNet that nvcc compiled trains on the host, alike on both CPU backends") {
  check_alike(train<vt::ResNet<resnet, 3, vt::cpu>>(), train<vt::ResNet<resnet, 3, vt::serial>>());
}
