// poison.cpp - negative controls: faults that poisoned memory and the comparison of the two tapes must find.
#include "cases_elementwise.hpp"
#include "checks.hpp"

using namespace registry;
namespace vt = vitrail;

namespace {

enum class Fault { none, forward, gradient };
// x -> x, which may miss the last element of its result or of its gradient without saying so.
template <class S, Fault F>
struct Identity {
  using shape = S;
  static constexpr const char* name = "identity";
  template <class P>
  static constexpr vt::Facts facts(std::array<bool, 1>) {
    return {};
  }
  template <class P>
  void forward(const vt::Arguments<P, 1>& a) const {
    std::copy_n(a.in[0], a.count * S::size - (F == Fault::forward), a.out);
  }
  template <class P>
  void backward(const vt::Arguments<P, 1>& a) const {
    const auto& g = a.gradient[0];
    for (std::size_t i = 0; i < a.count * S::size - (F == Fault::gradient); ++i) {
      g.at[i] = g.adds() ? g.at[i] + a.out_gradient[i] : a.out_gradient[i];
    }
  }
};
template <Fault F>
bool planned_equals_retained() {
  const auto c = op_case(
      "identity", {0}, [](auto, auto x) { return vt::apply(x.ctx, Identity<vt::Shape<5, 7>, F>{}, x); }, nullptr,
      each<5, 7>());
  Data<float> data(problem_of(c, 3));
  const vt::Serial backend;
  return same_bits(run_probed<vt::serial>(c, data, backend, true), run_probed<vt::serial>(c, data, backend, false));
}

// Shares memory wherever an operation says that a gradient is that of its result, without asking whether that is safe.
void alias_without_the_rule(const vt::Trace& trace, vt::Plan& plan) {
  for (std::size_t k = trace.operations.size(); k-- > 0;) {
    const auto& operation = trace.operations[k];
    for (std::size_t i = 0; i < operation.input_count; ++i) {
      const auto v = static_cast<std::size_t>(operation.inputs[i]), output = static_cast<std::size_t>(operation.output);
      const bool parameter = v < trace.parameters;
      if (parameter || plan.mode[k][i] != vt::Mode::write || !((operation.facts.alias >> i) & 1)) continue;
      plan.mode[k][i] = vt::Mode::alias;
      plan.gradient_of[v] = plan.gradient_of[output];
    }
  }
}
template <class C>
void check_rule_matters(const C& c) {
  Data<float> data(problem_of(c, 3));
  const vt::Serial backend;
  const auto expected = run_probed<vt::serial>(c, data, backend, false);
  expect(c.name + ": the plan is right", same_bits(run_probed<vt::serial>(c, data, backend, true), expected));
  expect(c.name + ": without the rule it is wrong",
         !same_bits(run_probed<vt::serial>(c, data, backend, true, alias_without_the_rule), expected));
}

}  // namespace

TEST_CASE("poison finds what an operation forgets to write") {
  CHECK(planned_equals_retained<Fault::none>());
  CHECK_FALSE(planned_equals_retained<Fault::forward>());
  CHECK_FALSE(planned_equals_retained<Fault::gradient>());
}

TEST_CASE("gradients must not share memory against the rule") {
  check_rule_matters(op_case(
      "x + x + y", {0}, [](auto, auto x, auto y) { return x + x + y; }, nullptr, each<7>(), each<7>()));
  check_rule_matters(op_case(
      "a value that is read again", {0},
      [](auto, auto x) {
        vt::Var h = vt::exp(x);
        vt::Var u = vt::tanh(h);
        vt::Var w = vt::sigmoid(h);  // its backward writes to h what that of tanh would read
        return h + u + w;
      },
      nullptr, each<7>()));
  check_rule_matters(op_case(
      "a sum of sums", {0},
      [](auto, auto x, auto y) {
        vt::Var a = x + y;
        vt::Var b = a + x;
        return b + a;
      },
      nullptr, each<7>(), each<7>()));
}
