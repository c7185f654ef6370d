// statistics.cpp - the running statistics of batch norms through training: what moves them and what does not, files,
// and resuming.
#include "catch.hpp"

#include <cstddef>
#include <stdexcept>
#include <vector>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/recompute.hpp>
#include <vitrail/models/cnn.hpp>
#include <vitrail/ops/move.hpp>

#include "io/temporary_folder.hpp"
#include "tiny_training.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::CnnConfig config{.image = 8, .channels = 1, .stage1 = 4, .stage2 = 3, .stage3 = 0};
using Net = vt::Cnn<config, 22>;
using Model = vt::Model<Net>;

// One value per channel and sample.
struct Tiny : vt::Module<Tiny> {
  using policy = vt::cpu;
  using input = vt::Shape<3, 1, 1>;
  vt::BatchNorm2d<3> norm;
  vt::Linear<3, 2> head;
  static constexpr void visit(auto& self, auto&& f) {
    f("norm", self.norm);
    f("head", self.head);
  }
  constexpr auto forward(const auto& x) const { return head(vt::reshape<vt::Shape<3>>(norm(x))); }
};

vt::Batch<Net::input> images(std::size_t count) {
  vt::Batch<Net::input> batch(count);
  for (std::size_t i = 0; i < batch.size(); ++i) batch.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i) + 0.5f;
  return batch;
}
const auto loss_of = [](const auto& net, const auto& x, const auto& labels) {
  return vt::Step{vt::cross_entropy(net(x), labels)};
};
std::vector<float> statistics_of(const auto& model) {
  const auto& values = model.statistics().values;
  return {values.data(), values.data() + values.size()};
}
std::vector<float> values_of(const Model& model) {
  std::vector<float> all;
  model.each_parameter([&](const auto& info, const float* v, bool) { all.insert(all.end(), v, v + info.size); });
  return all;
}

}  // namespace

TEST_CASE("statistics have a store of their own: no parameters, nothing that trains or decays") {
  const Model model;
  CHECK(model.statistics().table.size() == 4);
  CHECK(model.statistics().table[1].path == "stages.0.norm.running_var");
  CHECK(model.frozen().table.empty());
  CHECK(vt::parameter_count<Net>() == 9 * 4 + 8 + 9 * 12 + 6 + 3 * 22 + 22);
  CHECK(vt::parameter_count<Net>() == vt::trainable_count<Net>());
  std::size_t seen = 0;
  for (const auto& info : model.statistics().table) {
    seen += info.size;
    CHECK(!info.decays);
  }
  CHECK(seen == 14);
}
TEST_CASE("a step that throws leaves the statistics as they were") {
  Model model(vt::seed{1}), calm(vt::seed{1});
  bool fails = false;
  auto step = vt::training_step(model, [&](const auto& net, const auto& x, const auto& labels) {
    vt::Var logits = net(x);
    if (fails) throw std::runtime_error("after the norms");
    return vt::Step{vt::cross_entropy(logits, labels)};
  });
  auto calm_step = vt::training_step(calm, loss_of);
  const auto start = statistics_of(model);
  const auto batch = images(4);
  fails = true;
  CHECK_THROWS_AS(step(batch, vt::Labels{0, 1, 2, 3}), std::runtime_error);
  fails = false;
  CHECK_THROWS_AS(step(batch, vt::Labels{0, 1, 2, 22}), vt::shape_error);
  CHECK_THROWS_AS(step.in_parts(batch, vt::Labels{0, 1, 2, 22}, 2), vt::shape_error);  // in the second part
  CHECK(statistics_of(model) == start);
  (void)step(batch, vt::Labels{0, 1, 2, 3});
  (void)calm_step(batch, vt::Labels{0, 1, 2, 3});
  CHECK(statistics_of(model) != start);
  CHECK(statistics_of(model) == statistics_of(calm));
}
TEST_CASE("a step in parts moves the statistics with each part") {
  Model parts(vt::seed{1}), steps(vt::seed{1});
  const auto batch = images(5);
  const vt::Labels labels{0, 1, 2, 3, 4};
  auto in_parts = vt::training_step(parts, loss_of);
  auto one = vt::training_step(steps, loss_of);
  in_parts.in_parts(batch, labels, 2);
  for (std::size_t i = 0; i < 5; i += 2) {
    const std::size_t count = i == 4 ? 1 : 2;
    (void)one(vt::BatchView<Net::input, const float>(batch.view()[i].data(), count),
              vt::Labels(std::span(labels.data() + i, count)));
  }
  CHECK(statistics_of(parts) == statistics_of(steps));
}
TEST_CASE("statistics move once where forward runs again, and alike for any number of threads") {
  const auto batch = images(40);
  const vt::Labels labels(std::vector<int>(40, 3));
  const auto moved = [&](const auto& f, int threads) {
    Model model(vt::seed{1}, vt::backend{.threads = threads});
    auto step = vt::training_step(model, f);
    step.set_poison(true);
    (void)step(batch, labels);
    (void)step(batch, labels);
    return statistics_of(model);
  };
  const auto expected = moved(loss_of, 1);
  const auto again = [](const auto& net, const auto& x, const auto& y) {
    return vt::Step{vt::cross_entropy(vt::recompute(net, x), y)};
  };
  for (const int threads : {1, 2, 3}) {
    CHECK(moved(loss_of, threads) == expected);
    CHECK(moved(again, threads) == expected);
  }
}
TEST_CASE("inference and frozen norms read the statistics and do not move them") {
  using Frozen = vt::Cnn<config, 22, vt::with_tuning<vt::cpu, vt::train_only<vt::site::head>>>;
  vt::Model<Frozen> model(vt::seed{1});
  const auto batch = images(3);
  const auto start = statistics_of(model);
  auto predict = vt::predictor(model);
  const auto by_start = predict(batch).to_vector();
  auto step = vt::training_step(model, loss_of);
  const auto [loss] = step(batch, vt::Labels{0, 1, 2});
  CHECK(statistics_of(model) == start);
  auto other = start;
  for (float& x : other) x += 0.5f;
  model.set_statistics(other.data());
  CHECK(predict(batch).to_vector() != by_start);
  const auto [loss_by_other] = step(batch, vt::Labels{0, 1, 2});
  CHECK(loss_by_other != loss);
  // One sample alone has statistics too, where they are not those of the batch.
  CHECK(predict(images(1)).count() == 1);
}
TEST_CASE("a batch with one value per channel is refused in training") {
  vt::Model<Tiny> model;
  auto step = vt::training_step(model, loss_of);
  vt::Batch<Tiny::input> one(1), two(2);
  CHECK_THROWS_AS(step(one, vt::Labels{0}), vt::shape_error);
  CHECK_NOTHROW(step(two, vt::Labels{0, 1}));
  auto predict = vt::predictor(model);
  CHECK_NOTHROW(predict(one));
}
TEST_CASE("checkpoints and resumed trainings have the statistics, to the bit") {
  const TemporaryFolder folder;
  const vt::Recipe recipe{.epochs = 2, .rate = 0.02, .ema_decay = 0.5};
  const auto start = [&](Model& model) {
    return vt::TrainingState<Model>(model, vt::Batches<Net::input, vt::cpu>(tiny_images(), {{0.5}, {0.25}}, 8), recipe);
  };
  Model model(vt::seed{1});
  vt::Batches<Net::input, vt::cpu> batches(tiny_images(), {{0.5}, {0.25}}, 8);
  auto state = start(model);
  vt::Recipe saving = recipe;
  saving.on_epoch = [&](const vt::Progress& progress) {
    if (progress.epoch == 0) vt::save_training(folder / "training.safetensors", model, state);
  };
  vt::fit(model, batches, saving, state);
  vt::save_checkpoint(model, folder / "model.safetensors");

  Model copy(vt::seed{2});
  vt::load_checkpoint(copy, folder / "model.safetensors");
  CHECK(values_of(copy) == values_of(model));
  CHECK(statistics_of(copy) == statistics_of(model));

  Model resumed(vt::seed{1});
  auto resumed_state = start(resumed);
  vt::load_training(folder / "training.safetensors", resumed, resumed_state);
  CHECK(statistics_of(resumed) != statistics_of(model));
  vt::fit(resumed, batches, recipe, resumed_state);
  CHECK(values_of(resumed) == values_of(model));

  // The average is of the parameters; its statistics are the model's own at its last update.
  const auto before = statistics_of(model);
  {
    const auto averaged = state.ema->use(model);  // NOLINT(bugprone-unchecked-optional-access): the recipe has one
    CHECK(statistics_of(model) == before);
    CHECK(values_of(model) != values_of(resumed));
  }
  CHECK(values_of(model) == values_of(resumed));
}
