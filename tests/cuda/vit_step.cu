// vit_step.cu - a training step through nvcc: its front end takes expressions, operations, modules, models, tapes and
// AdamW, and what comes out runs on the host. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/step.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/tensor/tensor.hpp>
#include <vitrail/train/adamw.hpp>

#include <cstddef>
#include <vector>

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig small{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};

struct Result {
  std::vector<float> losses, gradients, logits;
};
constexpr vt::ViTConfig recomputing = [] {
  vt::ViTConfig config = small;
  config.recompute = true;
  return config;
}();
template <class P, vt::ViTConfig C = small>
Result train() {
  using Net = vt::ViT<C, 3, P>;
  vt::Model<Net> model(vt::seed{1}, vt::backend{.threads = 2});
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels), logits};
  });
  vt::AdamW optimiser(model, {.rate = 1e-2});
  vt::Batch<typename Net::input, P> images(6);
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

}  // namespace

TEST_CASE("a ViT that nvcc compiled trains on the host, alike on both CPU backends") {
  const Result serial = train<vt::serial>(), cpu = train<vt::cpu>();
  CHECK(serial.losses.back() < 0.9f * serial.losses.front());
  check_close(cpu.gradients, serial.gradients, 1e-5);
  check_close(cpu.losses, serial.losses, 1e-4);
  check_close(cpu.logits, serial.logits, 1e-3);
}
TEST_CASE("blocks that nvcc compiled are recomputed with the same bits") {
  const Result kept = train<vt::cpu>(), again = train<vt::cpu, recomputing>();
  CHECK((kept.losses == again.losses));
  CHECK((kept.gradients == again.gradients));
  CHECK((kept.logits == again.logits));
}
TEST_CASE("a model with frozen blocks that nvcc compiled trains") {
  const Result tuned = train<vt::with_tuning<vt::cpu, vt::train_last<1>>>();
  CHECK(tuned.losses.back() < tuned.losses.front());
}
