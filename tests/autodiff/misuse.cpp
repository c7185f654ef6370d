// misuse.cpp - what a user may do wrong around steps: each is refused with words, and nothing is damaged.
#include <limits>
#include <map>
#include <type_traits>

#include "autodiff/net.hpp"
#include "catch.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/train/adamw.hpp"

namespace vt = vitrail;

using P = vt::serial;
using TestModel = vt::Model<Net<P>>;
using NetStep = vt::TrainingStep<TestModel, NetLoss>;
static_assert(!std::is_move_constructible_v<NetStep> && !std::is_copy_constructible_v<NetStep>);
static_assert(!std::is_move_constructible_v<vt::Predictor<TestModel, vt::detail::CallModel>>);
static_assert(!std::is_move_constructible_v<TestModel>);

TEST_CASE("counts that do not agree are named") {
  TestModel model(vt::seed{1});
  auto step = vt::training_step(model, NetLoss{});
  auto predict = vt::predictor(model);
  const auto images = net_batch<P>(3);
  CHECK_THROWS_WITH(step(images, net_labels(2)), Catch::Contains("3 samples") && Catch::Contains("2 labels"));
  CHECK_THROWS_AS(step(net_batch<P>(0), net_labels(0)), vt::shape_error);
  CHECK_THROWS_AS(predict(net_batch<P>(0)), vt::shape_error);
  CHECK(step.steps() == 0);
}

TEST_CASE("a label that is no class is named, and the step can go on") {
  TestModel model(vt::seed{1}), other(vt::seed{1});
  auto step = vt::training_step(model, NetLoss{});
  auto undisturbed = vt::training_step(other, NetLoss{});
  const auto images = net_batch<P>(2);
  for (const int wrong : {-1, 1000, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    CHECK_THROWS_WITH(step(images, vt::Labels{0, wrong}), Catch::Contains(std::to_string(wrong)));
  }
  const auto labels = net_labels(2);
  CHECK(std::get<0>(step(images, labels)) == std::get<0>(undisturbed(images, labels)));
}

TEST_CASE("an optimiser and a step belong to one model") {
  TestModel model(vt::seed{1}), other(vt::seed{2});
  auto step = vt::training_step(model, NetLoss{});
  vt::AdamW optimiser(other);
  step(net_batch<P>(2), net_labels(2));
  CHECK_THROWS_AS(optimiser.update(step), vt::error);
}

TEST_CASE("a predictor follows its model's values, packed or not") {
  vt::Model<Net<vt::cpu>> model(vt::seed{1}), twin(vt::seed{1});
  auto predict = vt::predictor(model);
  const auto images = net_batch<vt::cpu>(3);
  const auto before = predict(images).to_vector();
  auto step = vt::training_step(model, NetLoss{});
  vt::AdamW optimiser(model);
  step(images, net_labels(3));
  optimiser.update(step);
  const auto after = predict(images).to_vector();
  CHECK(after != before);
  auto fresh = vt::predictor(model);
  CHECK(fresh(images).to_vector() == after);
  std::map<std::string, std::vector<float>> values;
  twin.each_parameter([&](const auto& i, const float* v, bool) { values[i.path] = {v, v + i.size}; });
  model.assign([&](const auto& i, float* to) { std::copy(values[i.path].begin(), values[i.path].end(), to); });
  CHECK(predict(images).to_vector() == before);
}
