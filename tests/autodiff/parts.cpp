// parts.cpp - a batch that is done in parts, and several losses and heads on one step.
#include "catch.hpp"

#include <cmath>
#include <vector>

#include <vitrail/nn/policy_serial.hpp>

#include "io/messages.hpp"
#include "net.hpp"

namespace vt = vitrail;

namespace {

template <class Step>
std::vector<double> gradients_of(const Step& step) {
  std::vector<double> values;
  const auto& table = step.model().trainable().table;
  for (std::size_t k = 0; k < table.size(); ++k) {
    const auto* from = step.gradients() + table[k].offset;
    if (step.reached(k)) values.insert(values.end(), from, from + table[k].size);
  }
  return values;
}
double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

// x [6] -> [3] and [2], on a common trunk.
template <class P>
struct TwoHeads : vt::Module<TwoHeads<P>> {
  using policy = P;
  using input = vt::Shape<6>;
  vt::Linear<6, 6, P> trunk;
  vt::Linear<6, 3, P> kind;
  vt::Linear<6, 2, P> side;
  static constexpr void visit(auto& self, auto&& f) {
    f("trunk", self.trunk);
    f("kind", self.kind);
    f("side", self.side);
  }
};
enum class Loss { both, first, second };
template <Loss L>
struct TwoLosses {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    vt::Var h = vt::gelu(net.trunk(x));
    vt::Var kinds = net.kind(h);
    vt::Var sides = net.side(h);
    vt::Var first = vt::cross_entropy(kinds, labels);
    vt::Var second = vt::cross_entropy(sides, labels);
    if constexpr (L == Loss::both) {
      vt::Var loss = first + 0.5 * second;
      return vt::Step{loss, kinds, sides, first, second};
    } else if constexpr (L == Loss::first) {
      return vt::Step{first};
    } else {
      return vt::Step{second};
    }
  }
};
vt::Labels two_kinds(std::size_t count) {
  vt::Labels labels;
  labels.resize(count);
  for (std::size_t b = 0; b < count; ++b) labels.data()[b] = static_cast<int>(b % 2);
  return labels;
}

}  // namespace

TEST_CASE("a batch in parts has the loss and gradients of the whole, with the same dropout") {
  vt::Model<Net<vt::cpu_double>> model(vt::seed{3});
  const auto batch = net_batch<vt::cpu_double>(10);
  const auto labels = net_labels(10);
  auto whole = vt::training_step(model, NetLoss{});
  const double loss = std::get<0>(whole(batch, labels));
  for (const std::size_t part : {1, 3, 5, 9, 10, 64}) {
    auto step = vt::training_step(model, NetLoss{});
    step.set_poison(true);
    INFO("parts of " << part);
    CHECK(step.in_parts(batch, labels, part) == Approx(loss).epsilon(1e-14));
    CHECK(largest_difference(gradients_of(step), gradients_of(whole)) < 1e-15);
    CHECK(step.steps() == 1);
    if (part >= 10) CHECK(gradients_of(step) == gradients_of(whole));
    CHECK((part >= 10 || step.arena_bytes() < whole.arena_bytes()));
  }
}

TEST_CASE("a step after one in parts starts afresh") {
  vt::Model<Net<vt::cpu>> model(vt::seed{3});
  auto step = vt::training_step(model, NetLoss{}), fresh = vt::training_step(model, NetLoss{});
  step.in_parts(net_batch<vt::cpu>(6), net_labels(6), 2);
  step.set_steps(0);
  const float first = std::get<0>(step(net_batch<vt::cpu>(4), net_labels(4)));
  CHECK(first == std::get<0>(fresh(net_batch<vt::cpu>(4), net_labels(4))));
  CHECK(gradients_of(step) == gradients_of(fresh));
}

TEST_CASE("parts of no samples throw") {
  vt::Model<Net<vt::cpu>> model;
  auto step = vt::training_step(model, NetLoss{});
  CHECK_THAT(message_of([&] { step.in_parts(net_batch<vt::cpu>(2), net_labels(2), 0); }), contains("parts of 0"));
  CHECK_THAT(message_of([&] { step.in_parts(net_batch<vt::cpu>(2), net_labels(3), 1); }), contains("3 labels"));
}

TEST_CASE("several losses and heads: the gradient of the sum is the sum of the gradients") {
  vt::Model<TwoHeads<vt::cpu_double>> model(vt::seed{4});
  const auto batch = net_batch<vt::cpu_double>(5);
  const auto labels = two_kinds(5);
  auto both = vt::training_step(model, TwoLosses<Loss::both>{});
  auto first = vt::training_step(model, TwoLosses<Loss::first>{});
  auto second = vt::training_step(model, TwoLosses<Loss::second>{});
  both.set_poison(true);
  const auto [loss, kinds, sides, loss_1, loss_2] = both(batch, labels);
  CHECK(loss_1 == std::get<0>(first(batch, labels)));
  CHECK(loss_2 == std::get<0>(second(batch, labels)));
  CHECK(loss == Approx(loss_1 + 0.5 * loss_2).epsilon(1e-15));
  CHECK(kinds.count() == 5);
  CHECK(sides.to_vector().size() == 10);
  const auto& table = model.trainable().table;
  for (std::size_t k = 0; k < table.size(); ++k) {
    INFO(table[k].path);
    CHECK(both.reached(k));
    for (std::size_t i = 0; i < table[k].size; ++i) {
      const std::size_t at = table[k].offset + i;
      const double expected =
          (first.reached(k) ? first.gradients()[at] : 0) + 0.5 * (second.reached(k) ? second.gradients()[at] : 0);
      CHECK(both.gradients()[at] == Approx(expected).margin(1e-16));
    }
  }
}
