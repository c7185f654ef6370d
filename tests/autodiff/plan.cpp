// plan.cpp - which gradients may share memory, on traces made by hand.
#include "catch.hpp"

#include <memory>

#include <vitrail/autodiff/plan_step.hpp>

namespace vt = vitrail;
using vt::Mode;

namespace {

// Values are numbered in the order in which they are made. Value 0 is a parameter of 4 elements.
struct Maker {
  std::unique_ptr<vt::Trace> trace = std::make_unique<vt::Trace>();
  std::unique_ptr<vt::Plan> plan = std::make_unique<vt::Plan>();

  explicit Maker(std::size_t parameters = 1) {
    trace->parameters = parameters;
    for (std::size_t i = 0; i < parameters; ++i) trace->values.push_back({4, -1, false, true});
  }
  int input(bool batched = true) {
    trace->values.push_back({4, -1, batched, false});
    return last();
  }
  // An operation of 4 elements; every input's gradient that is in `alias` is the gradient of the result.
  int run(std::vector<int> inputs, unsigned alias = 0, unsigned partial = 0, bool batched = true) {
    vt::OperationRecord operation;
    operation.name = "op";
    for (const int v : inputs) {
      const bool tracked = trace->values[static_cast<std::size_t>(v)].tracked;
      operation.tracked_inputs |= unsigned(tracked) << operation.input_count;
      operation.inputs[operation.input_count++] = v;
      operation.tracked |= tracked;
    }
    operation.batched = batched;
    operation.facts.alias = alias;
    operation.facts.partial = partial;
    trace->values.push_back({4, static_cast<int>(trace->operations.size()), batched, operation.tracked});
    operation.output = last();
    trace->operations.push_back(operation);
    return operation.output;
  }
  // Something tracked for each sample, made from an input and the parameter.
  int source() { return run({input(), 0}); }
  const vt::Plan& planned(int result) {
    const int loss = run({result}, 0, 0, false);
    vt::plan_step(*trace, loss, {4, 4}, *plan);
    return *plan;
  }
  Mode mode(int output, std::size_t input) const {
    return plan->mode[static_cast<std::size_t>(trace->values[static_cast<std::size_t>(output)].producer)][input];
  }

 private:
  int last() const { return static_cast<int>(trace->values.size()) - 1; }
};

}  // namespace

TEST_CASE("both operands of a sum take over its gradient") {
  Maker m;
  const int x = m.source(), y = m.source(), z = m.run({x, y}, 3);
  const vt::Plan& plan = m.planned(z);
  CHECK(m.mode(z, 0) == Mode::alias);
  CHECK(m.mode(z, 1) == Mode::alias);
  CHECK(plan.gradient_of[static_cast<std::size_t>(x)] == z);
  CHECK(plan.gradient_of[static_cast<std::size_t>(y)] == z);
}

TEST_CASE("an operand that occurs twice never does: x + x + y") {
  Maker m;
  const int x = m.source(), y = m.source(), z = m.run({x, x, y}, 7);
  m.planned(z);
  CHECK(m.mode(z, 0) == Mode::write);
  CHECK(m.mode(z, 1) == Mode::add);
  CHECK(m.mode(z, 2) == Mode::alias);
}

TEST_CASE("no sharing with what is written while another still has to be read") {
  Maker m;  // z = x + u with u = f(x): f's backward reads u's gradient and writes x's
  const int x = m.source(), u = m.run({x}), z = m.run({x, u}, 3);
  m.planned(z);
  CHECK(m.mode(z, 0) == Mode::alias);
  CHECK(m.mode(z, 1) == Mode::write);
  CHECK(m.mode(u, 0) == Mode::add);
}

TEST_CASE("sharing ends where the memory is written again before the other is read") {
  Maker m;  // w = g(x) comes after u = f(y): the gradient of x grows before that of u is read
  const int x = m.source(), y = m.source(), u = m.run({y}), w = m.run({x}), z = m.run({x, u}, 3), s = m.run({z, w});
  m.planned(s);
  const bool both = m.mode(z, 0) == Mode::alias && m.mode(z, 1) == Mode::alias;
  CHECK_FALSE(both);
}

TEST_CASE("no sharing with the loss, a parameter, an earlier contribution or another batch") {
  Maker m;
  const int x = m.source(), fixed = m.run({0}, 1, 0, false), z = m.run({x, 0, fixed}, 7), again = m.run({z, x}, 3);
  m.planned(again);
  CHECK(m.mode(again, 0) == Mode::alias);
  CHECK(m.mode(again, 1) == Mode::write);  // the backward of z reads its gradient and adds to that of x
  CHECK(m.mode(z, 0) == Mode::add);        // x has a gradient already
  CHECK(m.mode(z, 1) == Mode::write);      // a parameter's lies in the model's buffer
  CHECK(m.mode(z, 2) == Mode::write);      // one for the batch
  CHECK(m.mode(fixed, 0) == Mode::add);

  Maker direct;
  const int y = direct.source();
  const int loss = direct.run({y}, 1);
  vt::plan_step(*direct.trace, loss, {4, 4}, *direct.plan);
  CHECK(direct.mode(loss, 0) == Mode::write);
}

TEST_CASE("partial gradients are completed by whoever comes first") {
  Maker m;
  const int x = m.source(), a = m.run({x}, 0, 1), b = m.run({x}, 0, 1), z = m.run({a, b});
  m.planned(z);
  CHECK(m.mode(b, 0) == Mode::write_zero_rest);
  CHECK(m.mode(a, 0) == Mode::add);
}

TEST_CASE("what the loss does not reach has no gradient and no backward") {
  Maker m(2);
  const int x = m.source(), unused = m.run({x, 1}), z = m.run({x});
  const vt::Plan& plan = m.planned(z);
  CHECK(plan.reached[0]);
  CHECK_FALSE(plan.reached[1]);
  CHECK_FALSE(plan.live[static_cast<std::size_t>(m.trace->values[static_cast<std::size_t>(unused)].producer)]);
  CHECK(m.mode(unused, 1) == Mode::none);
}

TEST_CASE("places are aligned and inside the arena") {
  Maker m;
  const int x = m.source(), y = m.run({x}), z = m.run({x, y}, 3);
  const vt::Plan& plan = m.planned(z);
  auto check = [&](const vt::Place& place) {
    CHECK(place.offset % 64 == 0);
    CHECK(place.bytes % 64 == 0);
    CHECK(place.offset + place.bytes <= (place.batched ? plan.arena.batched : plan.arena.fixed));
  };
  for (std::size_t v = 0; v < m.trace->values.size(); ++v) {
    check(plan.value[v]);
    check(plan.gradient[v]);
  }
}

TEST_CASE("nothing flows back to an input that is detached there") {
  Maker m;
  const int x = m.source(), y = m.source();
  const int z = m.run({x, y});
  m.trace->operations[m.trace->operations.size() - 1].tracked_inputs = 2;  // y alone
  const vt::Plan& plan = m.planned(z);
  CHECK(m.mode(z, 0) == Mode::none);
  CHECK(m.mode(z, 1) == Mode::write);
  CHECK_FALSE(plan.reached[static_cast<std::size_t>(x)]);
  CHECK_FALSE(plan.live[static_cast<std::size_t>(m.trace->values[static_cast<std::size_t>(x)].producer)]);
}
