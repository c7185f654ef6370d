// torch_parity.hpp - compares a model with a fixture of PyTorch's: logits, loss and gradients, and how running
// statistics move. fixtures/make_cnn.py made the expected values.
#pragma once

#include "catch.hpp"
#include "relative_error.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "vitrail/autodiff/predict.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/ops/cross_entropy.hpp"

inline const std::string fixtures = std::string(VITRAIL_TESTS) + "/models/fixtures/";

template <class Net>
struct Fixture {
  using P = typename Net::policy;
  using T = typename P::value;
  vitrail::Model<Net> model;
  vitrail::Safetensors expected;
  vitrail::Labels labels;
  double tolerance;

  Fixture(const std::string& name, double tolerance_)
      : expected(vitrail::Safetensors::open(fixtures + name + "_expected.safetensors")),
        labels(std::span<const int>(expected.read<int>("labels"))),
        tolerance(tolerance_) {
    vitrail::load_checkpoint(model, fixtures + name + ".safetensors");
  }
  auto images(const char* name) const {
    return vitrail::Batch<typename Net::input, P>(std::span<const T>(expected.read<T>(name)));
  }
  auto step() {
    return vitrail::training_step(model, [](const auto& net, const auto& x, const auto& y) {
      return vitrail::Step{vitrail::cross_entropy(net(x), y)};
    });
  }
  void check_logits(const std::string& name) {
    INFO(name);
    auto predict = vitrail::predictor(model);
    CHECK(relative_error(predict(images("images")).data(), expected.read<double>(name)) < tolerance);
  }
  // Loss and gradients of a step on the images.
  void check_step(auto& step, const std::string& prefix) {
    const auto [loss] = step(images("images"), labels);
    CHECK(std::abs(double(loss) / expected.read<double>(prefix + "loss")[0] - 1) < tolerance);
    for (const vitrail::ParameterInfo& info : model.trainable().table) {
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
  for (const vitrail::ParameterInfo& info : f.model.statistics().table) {
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
