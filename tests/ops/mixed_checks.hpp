// mixed_checks.hpp - a case with values of samples in bf16, against double.
#pragma once

#include "checks.hpp"

namespace registry {

inline double length(const std::vector<double>& values) {
  double squares = 0;
  for (const double x : values) squares += std::isfinite(x) ? x * x : 0;
  return std::sqrt(squares);
}
// Eight bits of mantissa: 0.4 % at most for each time that a value is rounded. `beside` is the size of what was rounded
// before it was summed.
inline void expect_close(const std::string& what, const std::vector<float>& found, const std::vector<double>& expected,
                         double beside = 0) {
  REQUIRE(found.size() == expected.size());
  double difference = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] == expected[i]) continue;  // infinities
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
  }
  expect_below(what, std::sqrt(difference), 0.01 * length(expected) + 0.004 * beside);
}
// P: a policy with `stored`.
template <class P, class C>
void check_mixed(const C& c) {
  const typename P::backend backend{};
  for (const std::size_t count : {std::size_t(1), std::size_t(5)}) {
    // What is lost by rounding the inputs and the gradient of the result is not the operation's.
    Problem problem = problem_of(c, count);
    std::size_t at = 0;
    const auto round = [&](const auto& in) {
      for (double& x : problem.inputs[at]) {
        if (in.batched) x = typename P::stored(static_cast<float>(x));
      }
      ++at;
    };
    std::apply([&](const auto&... in) { (round(in), ...); }, c.inputs);
    DataFor<P> data(problem);
    Data<double> exact_data(problem);
    data.coarse_weights = exact_data.coarse_weights = true;
    const auto found = run_retaining<P>(c, data, backend);
    const auto exact = run_retaining<vitrail::serial_double>(c, exact_data, vitrail::Serial());
    expect_close(c.name + ", bf16, value", found.out, exact.out);
    std::size_t i = 0;
    const auto check_gradient = [&](const auto& in) {
      if (!in.tracked) return;
      expect_close(c.name + ", bf16, gradient " + std::to_string(i), found.gradients[i], exact.gradients[i],
                   in.batched ? 0 : length(exact.out));  // the others are sums over samples
      ++i;
    };
    std::apply([&](const auto&... in) { (check_gradient(in), ...); }, c.inputs);
  }
}

}  // namespace registry
