// gpu_ahead.cpp - a step or a predictor in three calls: the next batch is on its way while it runs, and the results are
// the same.
#include "catch.hpp"

#include <vitrail/nn/to.hpp>
#include <vitrail/train/adamw.hpp>

#include <cstddef>
#include <tuple>
#include <vector>

#include "emulated_gpu.hpp"
#include "net.hpp"

namespace vt = vitrail;

namespace {

struct Given {
  vt::Batch<vt::Shape<6>, vt::cpu> images;
  vt::Labels labels;
};
// The third batch is larger than any before, the fourth smaller.
Given given(std::size_t i) {
  const std::size_t count = i == 2 ? 5 : i == 3 ? 2 : 4;
  Given all{net_batch<vt::cpu>(count), net_labels(count)};
  for (std::size_t k = 0; k < all.images.size(); ++k) all.images.data()[k] += static_cast<float>(i);
  return all;
}
constexpr std::size_t steps = 8;

// Losses and logits of some steps; each batch is staged while the step before runs, or is given to its own.
template <class P>
std::vector<float> train(bool ahead) {
  vt::Model<Net<P>> model(vt::seed{1});
  auto step = vt::training_step(model, NetLoss{});
  vt::AdamW optimiser(model, {.rate = 1e-2});
  std::vector<float> numbers;
  const auto append = [&](const auto& results) {
    const auto& [loss, logits] = results;
    const auto values = logits.to_vector();
    numbers.push_back(loss);
    numbers.insert(numbers.end(), values.begin(), values.end());
  };
  Given current = given(0);
  step.stage(current.images, current.labels);
  for (std::size_t i = 0; i < steps; ++i) {
    if (!ahead) {
      current = given(i);
      append(step(current.images, current.labels));
      optimiser.update(step);
      continue;
    }
    step.start();
    optimiser.update(step);
    current = given(i + 1);
    step.stage(current.images, current.labels);
    append(step.results());
  }
  return numbers;
}

// Logits of some batches, the same way.
template <class P>
std::vector<float> predicted(bool ahead) {
  const vt::Model<Net<P>> model(vt::seed{1});
  auto predict = vt::predictor(model);
  std::vector<float> numbers;
  const auto append = [&](const auto& logits) {
    const auto values = logits.to_vector();
    numbers.insert(numbers.end(), values.begin(), values.end());
  };
  Given current = given(0);
  predict.stage(current.images);
  for (std::size_t i = 0; i < steps; ++i) {
    if (!ahead) {
      append(predict(given(i).images));
      continue;
    }
    predict.start();
    const std::size_t count = current.images.count();
    current = given(i + 1);
    predict.stage(current.images);
    append(predict.results());
    CHECK(predict.results_in_place().count() == count);
  }
  return numbers;
}

}  // namespace

TEST_CASE("a batch that is staged while a predictor runs gives the same bits") {
  const auto host = predicted<vt::cpu>(false);
  CHECK((predicted<vt::cpu>(true) == host));
  const auto device = predicted<test::emulated_gpu>(false);
  CHECK((predicted<test::emulated_gpu>(true) == device));
  const test::CopiesAhead order;
  CHECK((predicted<test::emulated_gpu>(false) == device));
  CHECK((predicted<test::emulated_gpu>(true) == device));

  const vt::Model<Net<test::emulated_gpu>> model(vt::seed{1});
  auto predict = vt::predictor(model);
  CHECK_THROWS_WITH(predict.start(), "predictor: no batch is staged");
  CHECK_THROWS_WITH(predict.results(), "predictor: nothing was started");
  CHECK_THROWS_AS(predict.stage(net_batch<vt::cpu>(0)), vt::shape_error);
  // Once, for images of the host and of the device.
  const Given some = given(0);
  const vt::Batch<vt::Shape<3>, vt::cpu> there = vt::predict(model, some.images);
  const vt::Batch<vt::Shape<3>, test::emulated_gpu> in_place =
      vt::predict(model, vt::to<test::emulated_gpu>(some.images));
  CHECK((there.to_vector() == predict(some.images).to_vector()));
  CHECK((in_place.to_vector() == there.to_vector()));
}
TEST_CASE("a batch that is staged while a step runs gives the same bits") {
  const auto host = train<vt::cpu>(false);
  CHECK((train<vt::cpu>(true) == host));
  const auto device = train<test::emulated_gpu>(false);
  CHECK((train<test::emulated_gpu>(true) == device));
  const test::CopiesAhead order;
  CHECK((train<test::emulated_gpu>(false) == device));
  CHECK((train<test::emulated_gpu>(true) == device));
}
TEST_CASE("another step in between uses its own batch, and what is missing is said") {
  vt::Model<Net<test::emulated_gpu>> model(vt::seed{1});
  auto step = vt::training_step(model, NetLoss{});
  CHECK_THROWS_WITH(step.start(), "training step: no batch is staged");
  CHECK_THROWS_WITH(step.results(), "training step: no step was started");
  const Given first = given(0), second = given(1);
  const auto [loss, logits] = step(first.images, first.labels);
  step.stage(second.images, second.labels);
  step.set_steps(0);
  CHECK(std::get<0>(step(first.images, first.labels)) == loss);
  CHECK_THROWS_WITH(step.start(), "training step: no batch is staged");
  step.stage(second.images, second.labels);
  step.set_steps(0);
  CHECK(step.in_parts(first.images, first.labels, 2) == Approx(loss).epsilon(1e-5));
  CHECK_THROWS_WITH(step.start(), "training step: no batch is staged");
  CHECK_THROWS_WITH(step.results(), "training step: no step was started");
  // One that throws is over.
  const vt::Labels wrong{0, 1, 7, 0};
  step.stage(first.images, wrong);
  CHECK_THROWS_WITH(step.start(), Catch::Contains("label 7 of sample 2"));
  CHECK_THROWS_WITH(step.results(), "training step: no step was started");
  step.set_steps(0);
  CHECK(std::get<0>(step(first.images, first.labels)) == loss);
}
