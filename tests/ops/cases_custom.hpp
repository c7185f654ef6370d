// cases_custom.hpp - registry: operations as a user writes them.
#pragma once

#include <cmath>
#include <vitrail/expr/expression.hpp>
#include <vitrail/ops/custom_op.hpp>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

// max(x, 0)^2, elementwise.
struct SquaredRelu {
  template <class X>
  using shape = X;
  void forward(auto x, auto y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] > 0 ? x[i] * x[i] : 0;
  }
  void backward(auto x, auto, auto dy, auto dx) const {
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] += x[i] > 0 ? 2 * x[i] * dy[i] : 0;
  }
};
// x / sqrt(mean(x^2) + eps) * weight over the last axis.
struct RmsNorm {
  static constexpr const char* name = "rms_norm";
  static constexpr unsigned saves = 1u | 2u;
  template <class X, class W>
  requires(X::rank > 0 && W::rank == 1 && X::last == W::size) using shape = X;
  template <class X, class W>
  static constexpr std::size_t flops() {
    return 4 * X::size;
  }
  double eps = 1e-6;

  void forward(auto x, auto w, auto y) const {
    using T = typename decltype(y)::value_type;
    for (std::size_t r = 0; r < x.size(); r += w.size()) {
      const T factor = inverse<T>(x.subspan(r, w.size()));
      for (std::size_t j = 0; j < w.size(); ++j) y[r + j] = x[r + j] * factor * w[j];
    }
  }
  void backward(auto x, auto w, auto, auto dy, auto dx, auto dw) const {
    using T = typename decltype(dx)::value_type;
    const T n = static_cast<T>(w.size());
    for (std::size_t r = 0; r < x.size(); r += w.size()) {
      const T factor = inverse<T>(x.subspan(r, w.size()));
      T dot = 0;
      for (std::size_t j = 0; j < w.size(); ++j) dot += dy[r + j] * w[j] * x[r + j];
      for (std::size_t j = 0; j < w.size(); ++j) {
        dx[r + j] += factor * (dy[r + j] * w[j] - x[r + j] * factor * factor * dot / n);
        if (dw.wanted) dw[j] += dy[r + j] * x[r + j] * factor;
      }
    }
  }

 private:
  template <class T>
  T inverse(std::span<const T> row) const {
    T squares = 0;
    for (const T x : row) squares += x * x;
    return 1 / std::sqrt(squares / static_cast<T>(row.size()) + static_cast<T>(eps));
  }
};
// All pairs of two vectors: another shape than the inputs'.
struct Outer {
  template <class A, class B>
  requires(A::rank == 1 && B::rank == 1) using shape = vt::Shape<A::size, B::size>;
  void forward(auto a, auto b, auto y) const {
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < b.size(); ++j) y[i * b.size() + j] = a[i] * b[j];
    }
  }
  void backward(auto a, auto b, auto, auto dy, auto da, auto db) const {
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < b.size(); ++j) {
        da[i] += dy[i * b.size() + j] * b[j];
        db[j] += dy[i * b.size() + j] * a[i];
      }
    }
  }
};

inline Reference naive_squared_relu() {
  return [](const Problem& p) {
    Values y = p.inputs[0];
    for (double& v : y) v = v > 0 ? v * v : 0;
    return y;
  };
}
inline Reference naive_rms_norm(std::size_t width, double eps) {
  return [=](const Problem& p) {
    Values y = p.inputs[0];
    for (std::size_t r = 0; r < y.size(); r += width) {
      double squares = 0;
      for (std::size_t j = 0; j < width; ++j) squares += y[r + j] * y[r + j] / static_cast<double>(width);
      for (std::size_t j = 0; j < width; ++j) y[r + j] *= p.inputs[1][j] / std::sqrt(squares + eps);
    }
    return y;
  };
}
// Either operand may be one for the whole batch.
inline Reference naive_outer(std::size_t left, std::size_t right, bool batched_left, bool batched_right) {
  return [=](const Problem& p) {
    Values y;
    for (std::size_t s = 0; s < p.count; ++s) {
      for (std::size_t i = 0; i < left; ++i) {
        for (std::size_t j = 0; j < right; ++j) {
          y.push_back(p.inputs[0][(batched_left ? s * left : 0) + i] *
                      p.inputs[1][(batched_right ? s * right : 0) + j]);
        }
      }
    }
    return y;
  };
}

template <class F>
void custom_cases(const F& run) {
  const auto outer = [](auto, auto a, auto b) { return vt::custom_op(Outer{}, a, b); };
  run(op_case(
      "custom squared relu", {2}, [](auto, auto x) { return vt::custom_op(SquaredRelu{}, x); }, naive_squared_relu(),
      each<3, 5>({-1, 1, 0, 0.01})));
  run(op_case(
      "custom rms norm", {16}, [](auto, auto x, auto w) { return vt::custom_op(RmsNorm{}, x, w); },
      naive_rms_norm(7, 1e-6), each<3, 7>(), once<7>()));
  run(op_case(
      "custom rms norm, input without a gradient", {16},
      [](auto, auto x, auto w) { return vt::custom_op(RmsNorm{}, x, w); }, naive_rms_norm(7, 1e-6), data<3, 7>(),
      once<7>()));
  run(op_case("custom outer", {2}, outer, naive_outer(3, 4, true, true), each<3>(), each<4>()));
  run(op_case("custom outer, right one for all", {2}, outer, naive_outer(3, 4, true, false), each<3>(), once<4>()));
  run(op_case("custom outer, left data", {2}, outer, naive_outer(3, 4, true, true), data<3>(), each<4>()));
  run(op_case(
      "custom outer of the same", {2}, [](auto, auto a) { return vt::custom_op(Outer{}, a, a); },
      [](const Problem& p) {
        Problem twice = p;
        twice.inputs.push_back(p.inputs[0]);
        return naive_outer(3, 3, true, true)(twice);
      },
      each<3>()));
  run(op_case(
      "custom op of an expression", {4},
      [](auto, auto x, auto b) { return vt::custom_op(SquaredRelu{}, x + b) + vt::custom_op(SquaredRelu{}, x * 1.0); },
      [](const Problem& p) {
        Values y = p.inputs[0];
        for (std::size_t i = 0; i < y.size(); ++i) {
          const double sum = y[i] + p.inputs[1][i % 5];
          y[i] = (sum > 0 ? sum * sum : 0) + (y[i] > 0 ? y[i] * y[i] : 0);
        }
        return y;
      },
      each<3, 5>({0.2, 1}), once<5>({0.1, 1})));
}

}  // namespace registry
