// distillation.cpp - fit of a model with two heads: on labels alone, and with a teacher's labels for the second head.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "vitrail/data/batches.hpp"
#include "vitrail/models/vit.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/train/distillation.hpp"
#include "vitrail/train/fit.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig config{
    .image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 16, .distilled = true};
using Net = vt::ViT<config, 4>;
using Model = vt::Model<Net>;
using Batches = vt::Batches<Net::input, vt::cpu>;

// The class is which of four columns are bright.
vt::ImageSet columns(std::size_t count) {
  vt::ImageSet set{1, 8, 8, 4, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    set.labels.push_back(int(i % 4));
    for (std::size_t p = 0; p < 64; ++p) {
      const bool bright = p % 4 == i % 4;
      set.pixels.push_back(static_cast<std::uint8_t>((bright ? 160 : 40) + (i * 64 + p) * 37 % 50));
    }
  }
  return set;
}
const vt::ImageSet images = columns(64);
const vt::Normalisation normalisation{{0.4}, {0.2}};

std::vector<float> values_of(const Model& model) {
  std::vector<float> all;
  model.each_parameter([&](const auto& info, const float* v, bool) { all.insert(all.end(), v, v + info.size); });
  return all;
}
// Who always finds the class after the right one.
struct Teacher {
  vt::Batch<vt::Shape<4>> logits{};
  auto operator()(const vt::Batch<Net::input>& seen) {
    logits.resize(seen.count());
    for (std::size_t b = 0; b < seen.count(); ++b) {
      double sums[4] = {};
      for (std::size_t p = 0; p < 64; ++p) sums[p % 4] += double(seen[b].data()[p]);
      for (std::size_t c = 0; c < 4; ++c) logits[b].data()[(c + 1) % 4] = static_cast<float>(sums[c]);
    }
    return logits.view();
  }
};
// The share of images for which the head finds `label` + shift.
template <class Head>
double share(const Model& model, std::size_t shift, Head head) {
  auto predict = vt::predictor(model, head);
  Batches all(images, normalisation, images.size());
  vt::Batch<Net::input> batch;
  vt::Labels labels;
  all.load(0, batch, labels);
  for (std::size_t b = 0; b < labels.count(); ++b) labels.data()[b] = (labels[b] + int(shift)) % 4;
  vt::Accuracy accuracy;
  accuracy.add(predict(batch), labels);
  return accuracy.top1_share();
}
struct Both {
  static constexpr std::size_t labels_per_sample = 2;
  constexpr auto operator()(const auto& net, const auto& x, const auto& y) const {
    const auto step = vt::HardDistillation{{.label_smoothing = 0.2}}(net, x, y);
    const auto [logits, distilled] = net(x);
    return vt::Step{step.loss, logits, distilled};
  }
};
struct SecondHead {
  constexpr auto operator()(const auto& net, const auto& x) const {
    vt::Var tokens = net.backbone(x);
    return net.head_dist(vt::reshape<vt::Shape<8>>(vt::slice<0, 1, 2>(tokens)));
  }
};

}  // namespace

TEST_CASE("fit trains both heads on the labels, half the loss each, and the mean of their logits is what counts") {
  Model model(vt::seed{1}), by_hand(vt::seed{1});
  Batches batches(images, normalisation, 64);
  const vt::Recipe one{.epochs = 1, .rate = 0.01, .warm_up_epochs = 0, .label_smoothing = 0.1};
  double loss_of_fit = 0, accuracy_of_fit = 0;
  vt::Recipe recipe = one;
  recipe.on_batch = [&](const vt::Progress& p) { loss_of_fit = p.loss, accuracy_of_fit = p.training.top1_share(); };
  vt::fit(model, batches, recipe);

  auto step = vt::training_step(by_hand, [](const auto& net, const auto& x, const auto& y) {
    const auto [logits, distilled] = net(x);
    vt::Var loss = (vt::cross_entropy(logits, y, {.label_smoothing = 0.1}) +
                    vt::cross_entropy(distilled, y, {.label_smoothing = 0.1})) *
                   0.5;
    return vt::Step{loss, logits, distilled};
  });
  vt::AdamW optimiser(by_hand, {.rate = 0.01, .weight_decay = one.weight_decay});
  vt::Batch<Net::input> batch;
  vt::Labels labels;
  batches.shuffle(one.seed, 0);
  batches.load(0, batch, labels);
  const auto [loss, logits, distilled] = step(batch, labels);
  vt::Batch<vt::Shape<4>> mean(64);
  for (std::size_t i = 0; i < mean.size(); ++i) mean.data()[i] = (logits.data()[i] + distilled.data()[i]) / 2;
  vt::Accuracy accuracy;
  accuracy.add(mean.view(), labels);
  CHECK(double(loss) == Approx(loss_of_fit));
  CHECK(accuracy.top1_share() == accuracy_of_fit);
  optimiser.update(step);
  CHECK(values_of(model) == values_of(by_hand));
}

TEST_CASE("a distilled model learns by fit, and evaluate takes the mean of its heads") {
  Model model(vt::seed{1});
  Batches batches(images, normalisation, 16);
  auto predict = vt::predictor(model);
  const double before = vt::evaluate(predict, batches).top1_share();
  vt::fit(model, batches, {.epochs = 12, .rate = 0.02});
  CHECK(before < 0.6);
  CHECK(vt::evaluate(predict, batches).top1_share() > 0.95);
}

TEST_CASE("hard distillation: the second head learns what the teacher says, the first what is right") {
  Model model(vt::seed{1});
  Batches batches(images, normalisation, 16);
  Teacher teacher;
  vt::TaughtBatches taught(batches, teacher);
  vt::Batch<Net::input> batch;
  vt::Labels labels;
  taught.shuffle(1, 0);
  taught.load_from(0, batch, labels);
  REQUIRE(labels.count() == 32);
  for (std::size_t b = 0; b < 16; ++b) CHECK(labels[2 * b + 1] == (labels[2 * b] + 1) % 4);

  const vt::Recipe recipe{.epochs = 12, .rate = 0.02};
  vt::TrainingState state(model, taught, recipe);
  vt::fit(model, taught, recipe, state, vt::HardDistillation{});
  CHECK(share(model, 1, SecondHead{}) > 0.95);
  CHECK(share(model, 0, SecondHead{}) < 0.05);
  CHECK(share(model, 0, [](const auto& net, const auto& x) { return net.head(vt::first_token(net.backbone(x))); }) >
        0.95);
}

TEST_CASE("the losses of hard distillation are those of each head with its label, the first smoothed") {
  Model model(vt::seed{1});
  auto step = vt::training_step(model, Both{});
  vt::Batch<Net::input> batch(2);
  for (std::size_t i = 0; i < batch.size(); ++i) batch.data()[i] = std::sin(float(i));
  const auto [loss, logits, distilled] = step(batch, vt::Labels{1, 3, 0, 2});
  const auto loss_of = [](auto z, std::size_t label, double smoothing) {
    double sum = 0, all = 0;
    for (const float x : z) sum += std::exp(double(x)), all += double(x);
    return std::log(sum) - (1 - smoothing) * double(z.data()[label]) - smoothing / 4 * all;
  };
  const double first = (loss_of(logits[0], 1, 0.2) + loss_of(logits[1], 0, 0.2)) / 2;
  const double second = (loss_of(distilled[0], 3, 0) + loss_of(distilled[1], 2, 0)) / 2;
  CHECK(double(loss) == Approx((first + second) / 2).epsilon(1e-5));
  CHECK_THROWS_AS(step(batch, vt::Labels{1, 3}), vt::shape_error);
  CHECK_THROWS_AS(step(batch, vt::Labels{1, 3, 0, 4}), vt::shape_error);
}
