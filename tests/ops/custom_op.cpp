// custom_op.cpp - operations of a user's own.
#include "cases_custom.hpp"
#include "checks.hpp"

#include <vitrail/nn/accepts.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/param.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

VITRAIL_TEST_CASES(custom_op, registry::custom_cases)

namespace vt = vitrail;

namespace {

struct Rounded {
  template <class X>
  using shape = X;
  void forward(auto x, auto y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = std::round(x[i]);
  }
};
template <class P>
struct Net : vt::Module<Net<P>> {
  using policy = P;
  using input = vt::Shape<3, 4>;
  vt::Param<vt::Shape<4>, P, vt::site::norm, vt::initial::ones> weight;
  static constexpr void visit(auto& self, auto&& f) { f("weight", self.weight); }
  constexpr auto forward(const auto& x) const {
    vt::Var y = vt::custom_op(registry::RmsNorm{}, vt::custom_op(Rounded{}, x * 4.0), weight);
    return vt::custom_op(Pool{}, y);
  }
  struct Pool {
    template <class X>
    using shape = vt::Shape<X::last>;
    static constexpr unsigned saves = 0;
    void forward(auto x, auto y) const {
      for (std::size_t j = 0; j < y.size(); ++j) y[j] = 0;
      for (std::size_t i = 0; i < x.size(); ++i) y[i % y.size()] += x[i];
    }
    void backward(auto x, auto, auto dy, auto dx) const {
      for (std::size_t i = 0; i < x.size(); ++i) dx[i] += dy[i % dy.size()];
    }
  };
};
static_assert(vt::accepts<Net<vt::cpu>, vt::Shape<3, 4>> && !vt::accepts<Net<vt::cpu>, vt::Shape<4, 3>>);
static_assert(std::is_same_v<vt::output_shape<Net<vt::cpu>, vt::Shape<9, 4>>, vt::Shape<4>>);

// The loss of the first and of the last step.
template <class P>
std::pair<double, double> train() {
  vt::Model<Net<P>> model(vt::seed{1});
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels)};
  });
  step.set_poison(true);
  vt::AdamW optimiser(model, {.rate = 0.1});
  vt::Batch<vt::Shape<3, 4>, P> x(64);
  vt::Labels labels;
  labels.resize(64);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i);
  for (std::size_t b = 0; b < 64; ++b) labels.data()[b] = static_cast<int>(b % 2);
  std::pair<double, double> losses;
  for (int i = 0; i < 20; ++i) {
    losses.second = static_cast<double>(std::get<0>(step(x, labels)));
    if (i == 0) losses.first = losses.second;
    optimiser.update(step);
  }
  return losses;
}

}  // namespace

TEST_CASE("a model with custom operations trains, alike on every backend") {
  const auto serial = train<vt::serial>(), cpu = train<vt::cpu>();
  CHECK(serial.second < 0.95 * serial.first);
  CHECK(cpu.second == Approx(serial.second).epsilon(1e-4));
}
TEST_CASE("what a custom operation says of itself is in the trace") {
  vt::Model<Net<vt::serial>> model(vt::seed{1});
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels)};
  });
  std::vector<std::string> names;
  for (const auto& operation : step.trace().operations) names.push_back(operation.name);
  CHECK((names == std::vector<std::string>{"elementwise", "custom_op", "rms_norm", "custom_op", "cross_entropy"}));
  CHECK(step.trace().operations[2].facts.flops == 4 * 12);
  CHECK(step.trace().operations[2].facts.saves == 3);
  CHECK(step.trace().operations[3].facts.saves == 0);
}
