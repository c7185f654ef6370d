// checks.hpp - what is checked of every case: values, gradients, bits over threads, and the planned tape against the
// retaining one.
#pragma once

#include "catch.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

#include <vitrail/nn/policy.hpp>
#include <vitrail/nn/policy_serial.hpp>

#include "runs.hpp"

namespace registry {

// The largest |a - b| in units of eps * max(|b|, floor); infinite if they differ in NaN or size.
template <class T>
double distance(const std::vector<T>& found, const Values& expected, double floor) {
  if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
  if (floor < 0) {
    double squares = 0;
    for (const double x : expected) squares += x * x;
    floor = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(expected.size(), 1)));
  }
  const auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(static_cast<double>(found[i]) - expected[i]);
    const double units = difference == 0 ? 0 : difference / (eps * std::max({std::abs(expected[i]), floor, 1e-30}));
    worst = std::max(worst, units >= 0 ? units : std::numeric_limits<double>::infinity());
  }
  return worst;
}
template <class T>
bool same_bits(const Result<T>& a, const Result<T>& b) {
  auto equal = [](const std::vector<T>& x, const std::vector<T>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
  };
  return equal(a.out, b.out) &&
         std::equal(a.gradients.begin(), a.gradients.end(), b.gradients.begin(), b.gradients.end(), equal);
}
inline void expect_below(const std::string& what, double found, double limit) {
  INFO(what << ": " << found << ", allowed " << limit);
  CHECK(found <= limit);
}
inline void expect(const std::string& what, bool holds) {
  INFO(what);
  CHECK(holds);
}

// Values of P against the reference, and in double too the gradients that finite differences have confirmed.
template <class P, class C>
void check_values(const C& c, const typename P::backend& backend, const std::string& where) {
  for (const std::size_t count : {std::size_t(1), std::size_t(5)}) {
    const Problem problem = problem_of(c, count);
    DataFor<P> data(problem);
    const auto found = run_retaining<P>(c, data, backend);
    expect_below(c.name + ", " + where + ", value", distance(found.out, c.reference(problem), c.tolerance.floor),
                 c.tolerance.units);
    if constexpr (std::is_same_v<typename P::value, float>) {
      Data<double> exact_data(problem);
      exact_data.weights = vitrail::Buffer<double>(data.weights.size());  // the same weights: those of floats
      const auto weights =
          vitrail::detail::vector_of<typename P::backend::memory>(data.weights.data(), data.weights.size());
      std::copy(weights.begin(), weights.end(), exact_data.weights.data());
      const auto exact = run_retaining<vitrail::serial_double>(c, exact_data, vitrail::Serial());
      for (std::size_t i = 0; i < exact.gradients.size(); ++i) {
        expect_below(c.name + ", " + where + ", gradient " + std::to_string(i),
                     distance(found.gradients[i], exact.gradients[i], -1), 4 * c.tolerance.units);
      }
    }
  }
}

// Gradients of P, a policy in double, against central differences; batches of 3.
template <class P, class C>
void check_gradients(const C& c, const typename P::backend& backend, const std::string& where, double limit = 1e-7) {
  static constexpr std::size_t count = 3;
  const Problem problem = problem_of(c, count);
  std::size_t at = 0;
  auto tensor = [&](const auto& in) {
    using In = std::remove_cvref_t<decltype(in)>;
    using S = typename In::shape;
    std::conditional_t<In::batched, vitrail::Batch<S, P>, vitrail::Tensor<S, P>> x(
        std::span<const double>(problem.inputs[at++]));
    return x;
  };
  auto tensors = std::apply([&](const auto&... in) { return std::tuple{tensor(in)...}; }, c.inputs);
  auto f = [&](const auto& first, const auto&... others) {
    return c.build(first.ctx->labels(problem.labels.data()), first, others...);
  };
  const auto check = std::apply(
      [&](auto&... x) { return vitrail::gradient_check(f, backend, vitrail::GradientCheckOptions{}, x...); }, tensors);
  std::ostringstream text;
  text << c.name << ", " << where << "\n" << check;
  expect_below(text.str(), check.worst(), limit);
}

// The same bits for 1, 2, 3, 4 and 8 threads, above the size from which work is shared out.
template <class P, class C>
void check_bits(const C& c) {
  using T = typename P::value;
  std::size_t widest = 1;
  std::apply([&](const auto&... in) { ((widest = std::max(widest, in.elements(2) - in.elements(1))), ...); }, c.inputs);
  Data<T> data(problem_of(c, 40000 / widest + 3));
  const auto expected = run_retaining<P>(c, data, make_backend<typename P::backend>(1));
  for (const std::size_t threads : {2, 3, 4, 8}) {
    const auto found = run_retaining<P>(c, data, make_backend<typename P::backend>(threads));
    expect(c.name + ", bits with " + std::to_string(threads) + " threads", same_bits(found, expected));
  }
}

// A planned step, its memory poisoned with NaN, gives the bits of the retaining tape.
template <class P, class C>
void check_plan(const C& c, const typename P::backend& backend, const std::string& where) {
  for (const std::size_t count : {std::size_t(1), std::size_t(3)}) {
    Data<typename P::value> data(problem_of(c, count));
    const auto planned = run_probed<P>(c, data, backend, true);
    const auto retained = run_probed<P>(c, data, backend, false);
    expect(c.name + ", " + where + ", planned equals retained", same_bits(planned, retained));
  }
}

template <class C>
bool cover(const C& c) {
  Data<float> data(problem_of(c, 1));
  const auto schedule = schedule_of<vitrail::serial>(c, data);
  for (const auto& operation : schedule->trace.operations) covered_operations().insert(operation.name);
  return true;
}

// What is done with every case of a group. One type, so that a case's code exists once in a program.
struct Runner {
  enum class What { cover, values, gradients, bits, plan };
  What what;

  template <class C>
  void operator()(const C& c) const {
    const vitrail::Serial serial;
    const auto openmp = make_backend<vitrail::OpenMP>();
    switch (what) {
      case What::cover:
        cover(c);
        break;
      case What::values:
        check_values<vitrail::serial>(c, serial, "serial");
        check_values<vitrail::serial_double>(c, serial, "serial_double");
        for (const auto level : {vitrail::isa::base, vitrail::isa::avx2, vitrail::isa::avx512}) {
          if (level > vitrail::best_isa()) continue;
          check_values<vitrail::cpu>(c, make_backend<vitrail::OpenMP>(2, level), "cpu " + std::to_string(int(level)));
        }
        break;
      case What::gradients:
        check_gradients<vitrail::serial_double>(c, serial, "serial_double");
        check_gradients<vitrail::cpu_double>(c, openmp, "cpu_double");
        break;
      case What::bits:
        check_bits<vitrail::cpu>(c);
        break;
      case What::plan:
        check_plan<vitrail::serial>(c, serial, "serial");
        check_plan<vitrail::cpu>(c, openmp, "cpu");
        break;
    }
  }
};

}  // namespace registry

// The tests of a group: `cases(f)` calls f with each case.
#define VITRAIL_TEST_CASES(group, cases)                                                                        \
  namespace {                                                                                                   \
  [[maybe_unused]] const bool group##_covered = (cases(registry::Runner{registry::Runner::What::cover}), true); \
  }                                                                                                             \
  TEST_CASE(#group ": values and float gradients") { cases(registry::Runner{registry::Runner::What::values}); } \
  TEST_CASE(#group ": gradients in double") { cases(registry::Runner{registry::Runner::What::gradients}); }     \
  TEST_CASE(#group ": the same bits for any number of threads") {                                               \
    cases(registry::Runner{registry::Runner::What::bits});                                                      \
  }                                                                                                             \
  TEST_CASE(#group ": planned and poisoned equals retained") { cases(registry::Runner{registry::Runner::What::plan}); }
