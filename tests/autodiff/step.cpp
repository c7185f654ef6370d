// step.cpp - a planned step: its gradients, batches of any size, what the loss does not reach, and control flow that
// changes.
#include "catch.hpp"

#include <vitrail/autodiff/retained_gradients.hpp>
#include <vitrail/ops/softmax.hpp>
#include <vitrail/train/adamw.hpp>

#include "io/messages.hpp"
#include "net.hpp"

namespace vt = vitrail;
using vt::cpu;

namespace {

using Model = vt::Model<Net<cpu>>;
std::vector<float> gradients_of(const vt::TrainingStep<Model, NetLoss>& step) {
  const auto& table = step.model().trainable().table;
  std::vector<float> values;
  for (std::size_t k = 0; k < table.size(); ++k) {
    const float* at = step.gradients() + table[k].offset;
    if (step.reached(k)) values.insert(values.end(), at, at + table[k].size);
  }
  return values;
}

}  // namespace

TEST_CASE("the planned step equals the retaining tape to the bit, poisoned or not") {
  Model model(vt::seed{3});
  for (const std::size_t count : {1, 5, 2}) {
    vt::Buffer<float> expected(model.trainable().size());
    const auto batch = net_batch<cpu>(count);
    const auto labels = net_labels(count);
    const float loss = vt::retained_gradients(model, NetLoss{}, batch.view(), labels, expected.data());
    for (const bool poison : {false, true}) {
      auto step = vt::training_step(model, NetLoss{});
      step.set_poison(poison);
      const auto [planned, logits] = step(batch, labels);
      CHECK(planned == loss);
      const auto& table = model.trainable().table;
      for (std::size_t k = 0; k < table.size(); ++k) {
        const float *found = step.gradients() + table[k].offset, *right = expected.data() + table[k].offset;
        INFO(table[k].path);
        if (step.reached(k)) CHECK(std::equal(found, found + table[k].size, right));
      }
    }
  }
}

TEST_CASE("a step takes batches of different sizes, each as if it were the first") {
  Model model(vt::seed{3});
  auto step = vt::training_step(model, NetLoss{});
  for (const std::size_t count : {4, 1, 7, 4}) {
    auto fresh = vt::training_step(model, NetLoss{});
    step.set_steps(0);
    const auto a = step(net_batch<cpu>(count), net_labels(count));
    const auto b = fresh(net_batch<cpu>(count), net_labels(count));
    CHECK(std::get<0>(a) == std::get<0>(b));
    CHECK(std::get<1>(a).count() == count);
    CHECK(std::get<1>(a).to_vector() == std::get<1>(b).to_vector());
    CHECK(gradients_of(step) == gradients_of(fresh));
  }
}

TEST_CASE("a parameter that the loss does not reach has no gradient and is not updated") {
  Model model(vt::seed{3});
  auto step = vt::training_step(model, NetLoss{});
  vt::AdamW optimiser(model, {.rate = 0.1, .weight_decay = 0.5});
  const vt::Buffer<float> before = model.trainable().values.copy();
  step.set_poison(true);
  step(net_batch<cpu>(4), net_labels(4));
  optimiser.update(step);
  const auto& table = model.trainable().table;
  std::size_t unreached = 0;
  for (std::size_t k = 0; k < table.size(); ++k) {
    const float *old = before.data() + table[k].offset, *now = model.trainable().values.data() + table[k].offset;
    INFO(table[k].path);
    const bool other = table[k].path.rfind("other", 0) == 0;
    CHECK(step.reached(k) == !other);
    CHECK(std::equal(now, now + table[k].size, old) == other);
    CHECK(std::none_of(now, now + table[k].size, [](float x) { return x != x; }));
    unreached += other;
  }
  CHECK(unreached == 2);
}

TEST_CASE("control flow that changes is caught and named") {
  Model model(vt::seed{3});
  bool changed = false;
  auto step = vt::training_step(model, [&changed](const auto& net, const auto& x, const auto& labels) {
    vt::Var logits = net(x);
    if (changed) logits = vt::softmax(logits);
    return vt::Step{vt::cross_entropy(logits, labels)};
  });
  step(net_batch<cpu>(2), net_labels(2));
  changed = true;
  const std::string text = message_of([&] { step(net_batch<cpu>(2), net_labels(2)); });
  CHECK_THAT(text, contains("is softmax, but when the step was made it was cross_entropy"));
  CHECK_THAT(text, contains("control flow"));
  changed = false;
  CHECK_NOTHROW(step(net_batch<cpu>(2), net_labels(2)));
}

TEST_CASE("an empty batch or another number of labels throws") {
  Model model;
  auto step = vt::training_step(model, NetLoss{});
  CHECK_THAT(message_of([&] { step(net_batch<cpu>(0), net_labels(0)); }), contains("no samples"));
  CHECK_THAT(message_of([&] { step(net_batch<cpu>(2), net_labels(3)); }), contains("2 samples, but 3 labels"));
}

TEST_CASE("a batch of five is five batches of one, bit for bit") {
  Model model(vt::seed{3});
  auto predict = vt::predictor(model);
  const auto batch = net_batch<cpu>(5);
  const std::vector<float> together = predict(batch).to_vector();
  std::vector<float> one_by_one;
  for (std::size_t b = 0; b < 5; ++b) {
    const auto one = predict(vt::BatchView<vt::Shape<6>, const float>(batch[b].data(), 1)).to_vector();
    one_by_one.insert(one_by_one.end(), one.begin(), one.end());
  }
  CHECK(together == one_by_one);
}
