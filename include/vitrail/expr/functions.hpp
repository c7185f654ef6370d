// functions.hpp - the elementwise functions of one operand. One of a user's own is a small type like these: value(x),
// and derivative(x, y) with y = value(x), marked VITRAIL_FUNCTION and templates over the lane, or they will not
// vectorise. A select of a select neither (g++ 12 merges the two and works element by element): combine conditions.
#pragma once

#include "../backend/lane_math.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace function {

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
struct Rsqrt {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return constant<L>(1) / sqrt(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L& y) const {
    return constant<L>(-0.5) * y / x;
  }
};
// The derivative at 0 is 0, as in PyTorch.
struct Abs {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return abs(x);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    const L one = constant<L>(1), zero = constant<L>(0);
    return select(x > zero, one, zero) - select(x < zero, one, zero);
  }
};
// log(1 + e^x), torch.nn.functional.softplus: max(x, 0) + log(1 + e^-|x|), which neither overflows nor loses small
// results.
struct Softplus {
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return max(x, constant<L>(0)) + log1p(exp(-abs(x)));
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return sigmoid(x);
  }
};
// x^exponent. Whole exponents by multiplication, for any x; others for x >= 0.
struct Power {
  double exponent;
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return raised(x, exponent);
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return exponent == 0 ? constant<L>(0) : constant<L>(exponent) * raised(x, exponent - 1);
  }

 private:
  template <class L>
  VITRAIL_FUNCTION static L raised(const L& x, double to) {
    const double size = to < 0 ? -to : to;
    if (size > 64 || size != static_cast<double>(static_cast<int>(size))) return pow(x, constant<L>(to));
    L power = constant<L>(1), square = x;
    for (int left = static_cast<int>(size); left; left >>= 1) {
      if (left & 1) power = power * square;
      square = square * square;
    }
    return to < 0 ? L(constant<L>(1) / power) : power;
  }
};
// min(max(x, low), high), torch.clamp: the derivative is 1 from low to high, both included.
struct Clamp {
  double low, high;
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return min(constant<L>(high), max(constant<L>(low), x));  // in this order NaN passes
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    return select(x >= constant<L>(low) && x <= constant<L>(high), constant<L>(1), constant<L>(0));
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
