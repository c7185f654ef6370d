// reading.cpp - values in the middle of a step: kept, dead, and not finite; errors name operation and module.
#include "catch.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "io/messages.hpp"
#include "net.hpp"

namespace vt = vitrail;

namespace {

using Model = vt::Model<Net<vt::cpu>>;

}  // namespace

TEST_CASE("a kept value can be read after the step, another one throws and is named") {
  Model model(vt::seed{3});
  for (const bool keeps : {true, false}) {
    std::vector<float> inside, after;
    std::function<void()> read_after;
    auto step = vt::training_step(model, [&](const auto& net, const auto& x, const auto& labels) {
      vt::Var h = net.hidden(x);
      if (keeps) vt::keep(h);
      vt::Var logits = net.head(h);
      inside = vt::read(h).to_vector();
      read_after = [&after, h] { after = vt::read(h).to_vector(); };
      return vt::Step{vt::cross_entropy(logits, labels)};
    });
    step.set_poison(true);
    step(net_batch<vt::cpu>(4), net_labels(4));
    REQUIRE(inside.size() == 24);
    if (keeps) {
      read_after();
      CHECK(after == inside);
    } else {
      const std::string text = message_of(read_after);
      CHECK_THAT(text, contains("the result of operation 0 (linear, hidden)"));
      CHECK_THAT(text, contains("after the backward of operation 1 (linear, head)"));
      CHECK_THAT(text, contains("vt::keep"));
    }
  }
}

TEST_CASE("inference gives memory away as soon as it can, and says so") {
  Model model(vt::seed{3});
  std::function<void()> read_hidden, read_input;
  auto forward = [&](const auto& net, const auto& x) {
    vt::Var h = net.hidden(x);
    vt::Var logits = net.head(h);
    read_hidden = [h] { vt::read(h); };
    read_input = [x] { vt::read(x); };
    return logits;
  };
  vt::Predictor<Model, decltype(forward)> predict(model, forward);
  predict(net_batch<vt::cpu>(2));
  CHECK_THAT(message_of(read_hidden), contains("operation 0 (linear, hidden)"));
  CHECK_THAT(message_of(read_hidden), contains("after operation 1 (linear, head)"));
  CHECK_NOTHROW(read_input());
}

TEST_CASE("while a step is traced there is nothing to read") {
  Model model;
  std::vector<std::size_t> counts;
  auto step = vt::training_step(model, [&](const auto& net, const auto& x, const auto& labels) {
    vt::Var logits = net(x);
    counts.push_back(vt::read(logits).count());
    return vt::Step{vt::cross_entropy(logits, labels)};
  });
  CHECK(counts == std::vector<std::size_t>{0});
  step(net_batch<vt::cpu>(4), net_labels(4));
  CHECK(counts == std::vector<std::size_t>{0, 4});
}

TEST_CASE("anomaly mode names the first operation whose result is not finite") {
  Model model(vt::seed{3});
  auto step = vt::training_step(model, NetLoss{});
  step.set_check_finite(true);
  CHECK_NOTHROW(step(net_batch<vt::cpu>(4), net_labels(4)));
  const auto& table = model.trainable().table;
  for (std::size_t k = 0; k < table.size(); ++k) {
    if (table[k].path != "hidden.weight") continue;
    model.trainable().values[table[k].offset + 7] = std::numeric_limits<float>::infinity();
  }
  model.values_changed();
  const std::string text = message_of([&] { step(net_batch<vt::cpu>(4), net_labels(4)); });
  CHECK_THAT(text, contains("the result of operation 1 (linear, hidden) in step 1, element 1 of 24, is"));
  CHECK(step.steps() == 1);
  step.set_check_finite(false);
  CHECK_NOTHROW(step(net_batch<vt::cpu>(4), net_labels(4)));
}

TEST_CASE("anomaly mode finds a gradient that is not finite where every result is") {
  Model model(vt::seed{3});
  auto step = vt::training_step(model, [](const auto& net, const auto& x, const auto& labels) {
    vt::Var h = net.hidden(x);
    // NOLINTNEXTLINE(misc-redundant-expression): 0, and its derivative is 0 / 0
    vt::Var root = vt::sqrt(vt::square(h - h));
    vt::Var logits = net.head(root);
    return vt::Step{vt::cross_entropy(logits, labels)};
  });
  step.set_check_finite(true);
  const std::string text = message_of([&] { step(net_batch<vt::cpu>(3), net_labels(3)); });
  CHECK_THAT(text, contains("a gradient of operation 1 (elementwise) in step 0"));
}
