// profile.cpp - a profile adds up: modules to the step, FLOPs to the model's cost, and it says when there is nothing.
#include "catch.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <vitrail/inspect/profile.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/cross_entropy.hpp>

#include "io/messages.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig tiny{.image = 8, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
template <class P>
using Net = vt::ViT<tiny, 3, P>;
const auto loss_of = [](const auto& net, const auto& x, const auto& labels) {
  return vt::Step{vt::cross_entropy(net(x), labels)};
};
vt::Labels zeros(std::size_t count) {
  vt::Labels labels;
  labels.resize(count);
  std::fill_n(labels.data(), count, 0);
  return labels;
}
const vt::ProfileRow& row_of(const std::vector<vt::ProfileRow>& rows, const std::string& path) {
  for (const auto& row : rows) {
    if (row.path == path) return row;
  }
  FAIL("no row for " + path);
  return rows[0];
}

}  // namespace

TEST_CASE("a profile of a training step adds up") {
  using M = Net<vt::cpu>;
  vt::Model<M> model(vt::seed{1});
  auto step = vt::training_step(model, loss_of);
  vt::Batch<M::input> images(6);
  step(images, zeros(6));
  step.set_timed(true);
  for (const std::size_t count : {6, 6, 3}) {  // an epoch whose last batch is short
    images.resize(count);
    step(images, zeros(count));
  }
  const vt::Profile profile = vt::profile(step, 1e9);
  CHECK(profile.steps == 3);
  CHECK(profile.peak == 1e9);
  const vt::ProfileRow& whole = profile.modules[0];
  const vt::Cost cost = vt::cost_of<M>(1);
  const double loss_flops = whole.flops - 5.0 * static_cast<double>(cost.forward_flops + cost.backward_flops);
  CHECK(loss_flops >= 0);
  CHECK(loss_flops < 5 * 100);
  CHECK(whole.forward > 0);
  CHECK(whole.backward > 0);
  double seconds = 0, flops = 0;
  for (const auto& row : profile.operations) seconds += row.seconds(), flops += row.flops;
  CHECK(seconds == Approx(whole.seconds()));
  CHECK(flops == Approx(whole.flops));
  for (std::size_t i = 1; i < profile.operations.size(); ++i) {
    CHECK(profile.operations[i - 1].seconds() >= profile.operations[i].seconds());
  }
  const auto &blocks = row_of(profile.modules, "blocks"), &first = row_of(profile.modules, "blocks.0"),
             &second = row_of(profile.modules, "blocks.1");
  CHECK(blocks.seconds() == Approx(first.seconds() + second.seconds()));
  CHECK(blocks.flops == Approx(first.flops + second.flops));
  CHECK(row_of(profile.modules, "head").flops == Approx(5 * 3 * 2 * 16 * 3));
  CHECK(first.flops_per_second() == Approx(first.flops / first.seconds()));

  std::ostringstream text;
  text << profile;
  CHECK_THAT(text.str(), contains("(step)"));
  CHECK_THAT(text.str(), contains("blocks"));
  CHECK_THAT(text.str(), contains("layer_norm"));
  CHECK_THAT(text.str(), contains("mean of 3 steps; peak 1.00 GFLOP/s"));
}

TEST_CASE("inference has a profile too, on any backend, against the peak that is measured") {
  using M = Net<vt::serial>;
  vt::Model<M> model(vt::seed{1});
  auto predict = vt::predictor(model);
  CHECK_THAT(message_of([&] { vt::profile(predict); }), contains("set_timed(true)"));
  predict.set_timed(true);
  predict(vt::Batch<M::input, vt::serial>(2));
  const vt::Profile profile = vt::profile(predict);
  CHECK(profile.steps == 1);
  CHECK(profile.peak > 1e8);
  CHECK(profile.modules[0].backward == 0);
  CHECK(profile.modules[0].flops == Approx(static_cast<double>(vt::cost_of<M>(2).forward_flops)));
}

TEST_CASE("the multiply-adds of all threads and lanes are counted") {
  vt::Workers workers;
  workers.threads = 1;
  std::vector<float> results(16 * 3);
  workers.level = vt::isa::base;
  const double one = vt::run_multiply_adds(workers, results.data());
  workers.threads = 3;
  CHECK(vt::run_multiply_adds(workers, results.data()) == 3 * one);
  for (std::size_t t = 0; t < 3; ++t) CHECK(results[16 * t] != 0);
}
