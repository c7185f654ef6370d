// cases_elementwise.hpp - registry: functions of one and two elements, arithmetic with numbers, chains of sums.
#pragma once

#include <vitrail/expr/expression.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

// result[i] = f(inputs at i); inputs that are shorter repeat.
template <class F>
Reference pointwise(F f) {
  return [f](const Problem& p) {
    std::size_t size = 0;
    for (const Values& x : p.inputs) size = std::max(size, x.size());
    Values out(size);
    for (std::size_t i = 0; i < size; ++i) {
      auto at = [&](std::size_t k) { return k < p.inputs.size() ? p.inputs[k][i % p.inputs[k].size()] : 0.0; };
      if constexpr (std::is_invocable_v<F, double>) {
        out[i] = f(at(0));
      } else if constexpr (std::is_invocable_v<F, double, double>) {
        out[i] = f(at(0), at(1));
      } else {
        out[i] = f(at(0), at(1), at(2));
      }
    }
    return out;
  };
}
template <class Build, class F>
auto unary(std::string name, Build build, F f, Domain domain = {-3, 3}, double units = 4) {
  return op_case(std::move(name), {units}, build, pointwise(f), each<5, 7>(domain));
}
inline double normal_cdf(double x) { return 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }

template <class F>
void function_cases(const F& run) {
  run(unary(
      "exp", [](auto, auto x) { return vt::exp(x); }, [](double x) { return std::exp(x); }));
  run(unary(
      "log", [](auto, auto x) { return vt::log(x); }, [](double x) { return std::log(x); }, {0.1, 3}));
  run(unary(
      "tanh", [](auto, auto x) { return vt::tanh(x); }, [](double x) { return std::tanh(x); }));
  run(unary(
      "sigmoid", [](auto, auto x) { return vt::sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }));
  run(unary(
      "sqrt", [](auto, auto x) { return vt::sqrt(x); }, [](double x) { return std::sqrt(x); }, {0.1, 3}));
  run(unary(
      "square", [](auto, auto x) { return vt::square(x); }, [](double x) { return x * x; }));
  run(unary(
      "relu", [](auto, auto x) { return vt::relu(x); }, [](double x) { return x > 0 ? x : 0; }, {-3, 3, 0, 0.01}));
  run(unary(
      "silu", [](auto, auto x) { return vt::silu(x); }, [](double x) { return x / (1 + std::exp(-x)); }));
  run(unary(
      "gelu", [](auto, auto x) { return vt::gelu(x); }, [](double x) { return x * normal_cdf(x); }));
  run(unary(
      "gelu_tanh", [](auto, auto x) { return vt::gelu_tanh(x); },
      [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))); }));
  run(unary(
      "rsqrt", [](auto, auto x) { return vt::rsqrt(x); }, [](double x) { return 1 / std::sqrt(x); }, {0.1, 3}));
  run(unary(
      "abs", [](auto, auto x) { return vt::abs(x); }, [](double x) { return std::abs(x); }, {-3, 3, 0, 0.01}));
  run(unary(
      "softplus", [](auto, auto x) { return vt::softplus(x); }, [](double x) { return std::log1p(std::exp(x)); },
      {-20, 20}, 8));
  run(unary(
      "pow, whole", [](auto, auto x) { return vt::pow(x, 3) + vt::pow(x, 0); },
      [](double x) { return x * x * x + 1; }));
  run(unary(
      "pow, negative", [](auto, auto x) { return vt::pow(x, -2); }, [](double x) { return 1 / (x * x); }, {0.3, 3}));
  run(unary(
      "pow, broken", [](auto, auto x) { return vt::pow(x, 2.5); }, [](double x) { return std::pow(x, 2.5); }, {0.1, 3},
      16));
  run(unary(
      "clamp", [](auto, auto x) { return vt::clamp(x, -50.0, 1.5); }, [](double x) { return std::min(x, 1.5); },
      {-3, 3, 1.5, 0.01}));
}

template <class F>
void arithmetic_cases(const F& run) {
  auto two = [](std::string name, auto build, auto f) {
    return op_case(std::move(name), {4}, build, pointwise(f), each<5, 7>({-3, 3}), each<5, 7>({0.2, 3}));
  };
  run(unary(
      "numbers on both sides", [](auto, auto x) { return 2.5 / (1.5 - (0.5 + x * 2.0 - 3.0) / 4.0) * 3.0; },
      [](double x) { return 2.5 / (1.5 - (0.5 + x * 2 - 3) / 4) * 3; }, {-3, 3}, 8));
  run(unary(
      "negation", [](auto, auto x) { return -x; }, [](double x) { return -x; }, {-3, 3}, 0));
  run(unary(
      "z * z", [](auto, auto z) { return z * z; }, [](double z) { return z * z; }));
  run(two(
      "x + y", [](auto, auto x, auto y) { return x + y; }, [](double x, double y) { return x + y; }));
  run(two(
      "x - y", [](auto, auto x, auto y) { return x - y; }, [](double x, double y) { return x - y; }));
  run(two(
      "x * y", [](auto, auto x, auto y) { return x * y; }, [](double x, double y) { return x * y; }));
  run(two(
      "x / y", [](auto, auto x, auto y) { return x / y; }, [](double x, double y) { return x / y; }));
  run(two(
      "x + x + y", [](auto, auto x, auto y) { return x + x + y; }, [](double x, double y) { return x + x + y; }));
  run(two(
      "x * exp(x) / y - y", [](auto, auto x, auto y) { return x * vt::exp(x) / y - y; },
      [](double x, double y) { return x * std::exp(x) / y - y; }));
  run(two(
      "max", [](auto, auto x, auto y) { return vt::max(x, y); }, [](double x, double y) { return std::max(x, y); }));
  run(two(
      "min with a number", [](auto, auto x, auto y) { return vt::min(x, 0.123) * y; },
      [](double x, double y) { return std::min(x, 0.123) * y; }));
  run(op_case(
      "x to the y", {32}, [](auto, auto x, auto y) { return vt::pow(x, y); },
      pointwise([](double x, double y) { return std::pow(x, y); }), each<5, 7>({0.2, 3}), each<5, 7>({-3, 3})));
  run(two(
      "where", [](auto, auto x, auto y) { return vt::where(x > 0.5, x * y, vt::exp(x)); },
      [](double x, double y) { return x > 0.5 ? x * y : std::exp(x); }));
  run(two(
      "comparisons", [](auto, auto x, auto y) { return (x < y) + 2.0 * (x >= 0.0) + 4.0 * (y == y) + x; },
      [](double x, double y) { return (x < y) + 2 * (x >= 0) + 4 + x; }));
  run(two(
      "detached", [](auto, auto x, auto y) { return vt::detach(x) * 0.0 + x * y; },
      [](double x, double y) { return x * y; }));
  // Sums whose gradients may share memory, and a value that is read again further up.
  run(two(
      "residual chain",
      [](auto, auto x, auto y) {
        vt::Var h = x + y;
        vt::Var twice = h + x;
        vt::Var three = twice + h;
        return vt::Var(three * h) + x;
      },
      [](double x, double y) { return (x + y + x + x + y) * (x + y) + x; }));
  run(two(
      "sum of copies",
      [](auto, auto x, auto y) {
        vt::Var a = x + y;
        vt::Var b = a + a;
        return vt::Var(b + y) + vt::Var(a + x);
      },
      [](double x, double y) { return 2 * (x + y) + y + (x + y) + x; }));
}

}  // namespace registry
