// cnn_parity.cpp - convolutional networks with PyTorch's weights and running statistics give its logits, losses,
// gradients and moved running statistics; fixtures/make_cnn.py made the expected values.
#include <cmath>
#include <span>
#include <string>

#include "catch.hpp"
#include "expected.hpp"
#include "vitrail/autodiff/predict.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/models/cnn.hpp"
#include "vitrail/models/resnet.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/ops/cross_entropy.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::CnnConfig cnn_batch{.image = 10, .stage1 = 4, .stage2 = 6, .stage3 = 0};
constexpr vt::CnnConfig cnn_group{
    .image = 10, .stage1 = 4, .stage2 = 6, .stage3 = 0, .norm = vt::channel_norm::group, .groups = 2};
constexpr vt::ResNetConfig resnet{.image = 20, .width = 4, .layer1 = 1, .layer2 = 1, .layer3 = 0, .layer4 = 0};

const std::string fixtures = std::string(VITRAIL_TESTS) + "/models/fixtures/";

template <class Net>
struct Fixture {
  using P = typename Net::policy;
  using T = typename P::value;
  vt::Model<Net> model;
  vt::Safetensors expected;
  vt::Labels labels;
  double tolerance;

  Fixture(const std::string& name, double tolerance_)
      : expected(vt::Safetensors::open(fixtures + name + "_expected.safetensors")),
        labels(std::span<const int>(expected.read<int>("labels"))),
        tolerance(tolerance_) {
    vt::load_checkpoint(model, fixtures + name + ".safetensors");
  }
  auto images(const char* name) const {
    return vt::Batch<typename Net::input, P>(std::span<const T>(expected.read<T>(name)));
  }
  auto step() {
    return vt::training_step(
        model, [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; });
  }
  void check_logits(const std::string& name) {
    INFO(name);
    auto predict = vt::predictor(model);
    CHECK(relative_error(predict(images("images")).data(), expected.read<double>(name)) < tolerance);
  }
  // Loss and gradients of a step on the images.
  void check_step(auto& step, const std::string& prefix) {
    const auto [loss] = step(images("images"), labels);
    CHECK(std::abs(double(loss) / expected.read<double>(prefix + "loss")[0] - 1) < tolerance);
    for (const vt::ParameterInfo& info : model.trainable().table) {
      INFO(prefix << info.path);
      CHECK(relative_error(step.gradients() + info.offset, expected.read<double>(prefix + "gradient " + info.path)) <
            tolerance);
    }
  }
};

template <class Net>
void compare(const std::string& name, double tolerance) {
  Fixture<Net> f(name, tolerance);
  f.check_logits("logits");
  auto step = f.step();
  step.set_poison(true);
  f.check_step(step, "");
  if (f.model.statistics().size() == 0) return;
  (void)step(f.images("more images"), f.labels);
  for (const vt::ParameterInfo& info : f.model.statistics().table) {
    INFO(info.path);
    CHECK(relative_error(f.model.statistics().values.data() + info.offset,
                         f.expected.template read<double>("moved " + info.path)) < tolerance);
  }
  f.check_logits("moved logits");
}
// Frozen norms are in evaluation while the rest trains, and their statistics stay.
template <class Net>
void compare_frozen(const std::string& name, double tolerance) {
  Fixture<Net> f(name, tolerance);
  const auto before = f.model.statistics().values.copy();
  auto step = f.step();
  f.check_step(step, "frozen ");
  CHECK(f.model.statistics().size() > 0);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(f.model.statistics().values[i] == before[i]);
}
template <class P>
using frozen_norms = vt::with_tuning<P, vt::freeze_only<vt::site::norm>>;

}  // namespace

// The double runs show that architecture and statistics are PyTorch's to the last operation; the float runs, that the
// kernels are right.
TEST_CASE("a CNN with batch norms equals PyTorch's") { compare<vt::Cnn<cnn_batch, 5, vt::cpu>>("cnn_batch", 5e-6); }
TEST_CASE("a CNN with group norms equals PyTorch's") {
  compare<vt::Cnn<cnn_group, 5, vt::cpu_double>>("cnn_group", 1e-12);
}
TEST_CASE("a ResNet equals torchvision's") {
  compare<vt::ResNet<resnet, 5, vt::serial_double>>("resnet", 1e-12);
  compare<vt::ResNet<resnet, 5, vt::cpu>>("resnet", 1e-5);
}
TEST_CASE("a ResNet with frozen norms equals torchvision's in evaluation") {
  compare_frozen<vt::ResNet<resnet, 5, frozen_norms<vt::serial_double>>>("resnet", 1e-12);
}
