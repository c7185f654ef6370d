// functions.hpp - the elementwise functions. One of a user's own is a small type like these: value(x), and
// derivative(x, y) with y = value(x), marked VITRAIL_FUNCTION and templates over the lane, or they will not vectorise.
#pragma once

#include "../backend/lane_math.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace function {

struct Add {
  static constexpr bool sums_leaves = true;
  template <class L>
  VITRAIL_FUNCTION static L value(const L& a, const L& b) {
    return a + b;
  }
  template <class L>
  VITRAIL_FUNCTION static L left(const L& g, const L&, const L&) {
    return g;
  }
  template <class L>
  VITRAIL_FUNCTION static L right(const L& g, const L&, const L&) {
    return g;
  }
};
struct Subtract {
  static constexpr bool sums_leaves = false;
  template <class L>
  VITRAIL_FUNCTION static L value(const L& a, const L& b) {
    return a - b;
  }
  template <class L>
  VITRAIL_FUNCTION static L left(const L& g, const L&, const L&) {
    return g;
  }
  template <class L>
  VITRAIL_FUNCTION static L right(const L& g, const L&, const L&) {
    return -g;
  }
};
struct Multiply {
  static constexpr bool sums_leaves = false;
  template <class L>
  VITRAIL_FUNCTION static L value(const L& a, const L& b) {
    return a * b;
  }
  template <class L>
  VITRAIL_FUNCTION static L left(const L& g, const L&, const L& b) {
    return g * b;
  }
  template <class L>
  VITRAIL_FUNCTION static L right(const L& g, const L& a, const L&) {
    return g * a;
  }
};
struct Divide {
  static constexpr bool sums_leaves = false;
  template <class L>
  VITRAIL_FUNCTION static L value(const L& a, const L& b) {
    return a / b;
  }
  template <class L>
  VITRAIL_FUNCTION static L left(const L& g, const L&, const L& b) {
    return g / b;
  }
  template <class L>
  VITRAIL_FUNCTION static L right(const L& g, const L& a, const L& b) {
    return -(g * a) / (b * b);
  }
};

struct Exp {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return exp(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L&, const L& y) const {
    return y;
  }
};
struct Log {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return log(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return constant<L>(1) / x;
  }
};
struct Tanh {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return tanh(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L&, const L& y) const {
    return constant<L>(1) - y * y;
  }
};
struct Sigmoid {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return sigmoid(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L&, const L& y) const {
    return y * (constant<L>(1) - y);
  }
};
struct Sqrt {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return sqrt(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L&, const L& y) const {
    return constant<L>(0.5) / y;
  }
};
struct Square {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return x * x;
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return x + x;
  }
};
// max(x, 0); NaN stays NaN; the derivative at 0 is 0, as in PyTorch.
struct Relu {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return select(x < constant<L>(0), constant<L>(0), x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return select(x > constant<L>(0), constant<L>(1), constant<L>(0));
  }
};
// x sigmoid(x), torch.nn.functional.silu.
struct Silu {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return x * sigmoid(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L& y) const {
    const L s = sigmoid(x);
    return s + y * (constant<L>(1) - s);
  }
};
// 0.5 x (1 + erf(x / sqrt 2)), torch.nn.functional.gelu.
struct Gelu {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return x * cdf(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return cdf(x) + x * exp(x * x * constant<L>(-0.5)) * constant<L>(0.3989422804014327);  // 1 / sqrt(2 pi)
  }

 private:
  template <class L>
  VITRAIL_FUNCTION static L cdf(const L& x) {
    return erf(x * constant<L>(0.7071067811865475)) * constant<L>(0.5) + constant<L>(0.5);
  }
};
// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), gelu with approximate="tanh".
struct GeluTanh {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return x * constant<L>(0.5) * (inner(x) + constant<L>(1));
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    const L t = inner(x);
    const L slope = (constant<L>(1) + x * x * constant<L>(3 * 0.044715)) * constant<L>(0.7978845608028654);
    return (constant<L>(1) + t) * constant<L>(0.5) + x * constant<L>(0.5) * (constant<L>(1) - t * t) * slope;
  }

 private:
  template <class L>
  VITRAIL_FUNCTION static L inner(const L& x) {
    return tanh((x + x * x * x * constant<L>(0.044715)) * constant<L>(0.7978845608028654));
  }
};

}  // namespace function

}  // namespace vitrail::inline VITRAIL_TU
