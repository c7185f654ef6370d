// binary_functions.hpp - the elementwise functions of two operands. One of a user's own is a small type like these:
// value(a, b), and left(g, a, b) and right(g, a, b), what of the gradient g goes to each side.
#pragma once

#include "../backend/lane_math.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace function {

// sums_leaves: the derivative to both sides is 1, so that gradients may share memory.
struct Add {
  static constexpr bool sums_leaves = true;
  template <class L>
  VITRAIL_FUNCTION L value(const L& a, const L& b) const {
    return a + b;
  }
  template <class L>
  VITRAIL_FUNCTION L left(const L& g, const L&, const L&) const {
    return g;
  }
  template <class L>
  VITRAIL_FUNCTION L right(const L& g, const L&, const L&) const {
    return g;
  }
};
struct Subtract {
  template <class L>
  VITRAIL_FUNCTION L value(const L& a, const L& b) const {
    return a - b;
  }
  template <class L>
  VITRAIL_FUNCTION L left(const L& g, const L&, const L&) const {
    return g;
  }
  template <class L>
  VITRAIL_FUNCTION L right(const L& g, const L&, const L&) const {
    return -g;
  }
};
struct Multiply {
  template <class L>
  VITRAIL_FUNCTION L value(const L& a, const L& b) const {
    return a * b;
  }
  template <class L>
  VITRAIL_FUNCTION L left(const L& g, const L&, const L& b) const {
    return g * b;
  }
  template <class L>
  VITRAIL_FUNCTION L right(const L& g, const L& a, const L&) const {
    return g * a;
  }
};
struct Divide {
  template <class L>
  VITRAIL_FUNCTION L value(const L& a, const L& b) const {
    return a / b;
  }
  template <class L>
  VITRAIL_FUNCTION L left(const L& g, const L&, const L& b) const {
    return g / b;
  }
  template <class L>
  VITRAIL_FUNCTION L right(const L& g, const L& a, const L& b) const {
    return -(g * a) / (b * b);
  }
};
// The larger, torch.maximum; equal operands share the gradient. NaN if one of them is.
struct Maximum {
  template <class L>
  VITRAIL_FUNCTION L value(const L& a, const L& b) const {
    return select(a != a || a > b, a, b);  // NOLINT(misc-redundant-expression): NaN
  }
  template <class L>
  VITRAIL_FUNCTION L left(const L& g, const L& a, const L& b) const {
    return g * winner(a, b);
  }
  template <class L>
  VITRAIL_FUNCTION L right(const L& g, const L& a, const L& b) const {
    return g * winner(b, a);
  }

 private:
  template <class L>
  VITRAIL_FUNCTION static L winner(const L& a, const L& b) {
    const L half = constant<L>(0.5), zero = constant<L>(0);
    return select(a > b, half, zero) + select(a >= b, half, zero);
  }
};
// The smaller, torch.minimum; equal operands share the gradient. NaN if one of them is.
struct Minimum {
  template <class L>
  VITRAIL_FUNCTION L value(const L& a, const L& b) const {
    return -Maximum{}.value(L(-a), L(-b));
  }
  template <class L>
  VITRAIL_FUNCTION L left(const L& g, const L& a, const L& b) const {
    return Maximum{}.left(g, L(-a), L(-b));
  }
  template <class L>
  VITRAIL_FUNCTION L right(const L& g, const L& a, const L& b) const {
    return Maximum{}.right(g, L(-a), L(-b));
  }
};
// a^b for a > 0, torch.pow of two tensors.
struct PowerOf {
  template <class L>
  VITRAIL_FUNCTION L value(const L& a, const L& b) const {
    return pow(a, b);
  }
  template <class L>
  VITRAIL_FUNCTION L left(const L& g, const L& a, const L& b) const {
    return g * b * pow(a, L(b - constant<L>(1)));
  }
  template <class L>
  VITRAIL_FUNCTION L right(const L& g, const L& a, const L& b) const {
    return g * pow(a, b) * log(a);
  }
};

// 1 where the comparison holds, else 0; no gradient goes through it.
#define VITRAIL_COMPARISON(Name, o)                          \
  struct Name {                                              \
    static constexpr bool has_gradient = false;              \
    template <class L>                                       \
    VITRAIL_FUNCTION L value(const L& a, const L& b) const { \
      return select(a o b, constant<L>(1), constant<L>(0));  \
    }                                                        \
  };
VITRAIL_COMPARISON(Less, <)
VITRAIL_COMPARISON(Greater, >)
VITRAIL_COMPARISON(LessEqual, <=)
VITRAIL_COMPARISON(GreaterEqual, >=)
VITRAIL_COMPARISON(Equal, ==)
VITRAIL_COMPARISON(NotEqual, !=)
#undef VITRAIL_COMPARISON

}  // namespace function

}  // namespace vitrail::inline VITRAIL_TU
