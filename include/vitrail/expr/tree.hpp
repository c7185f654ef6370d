// tree.hpp - the nodes of an elementwise expression. A tree is a type over leaf numbers; its leaves are kept beside it.
//
// eval returns a node's value together with its children's, a tape in registers; pull then takes the gradient to the
// leaves.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../backend/lane_math.hpp"

namespace vitrail::inline VITRAIL_TU {

template <std::size_t I>
using leaf_number = std::integral_constant<std::size_t, I>;

template <std::size_t I>
struct Leaf {
  static constexpr bool sums_leaves = true;  // the derivative to every leaf below is 1
  static constexpr bool touches(unsigned mask) { return (mask >> I) & 1; }
  template <std::size_t By>
  constexpr auto shift() const {
    return Leaf<I + By>{};
  }
  template <class L>
  struct Node {
    L value;
  };
  template <class L, class Load>
  VITRAIL_FUNCTION Node<L> eval(const Load& load) const {
    return {load(leaf_number<I>{})};
  }
  template <unsigned Mask, class L, class Sink>
  VITRAIL_FUNCTION void pull(const Node<L>&, const L& gradient, const Sink& sink) const {
    if constexpr (touches(Mask)) sink(leaf_number<I>{}, gradient);
  }
};

// A number known when the step runs, the same for all elements.
struct Scalar {
  double number;
  static constexpr bool sums_leaves = false;
  static constexpr bool touches(unsigned) { return false; }
  template <std::size_t By>
  constexpr Scalar shift() const {
    return *this;
  }
  template <class L>
  struct Node {
    L value;
  };
  template <class L, class Load>
  VITRAIL_FUNCTION Node<L> eval(const Load&) const {
    return {constant<L>(number)};
  }
  template <unsigned Mask, class L, class Sink>
  VITRAIL_FUNCTION void pull(const Node<L>&, const L&, const Sink&) const {}
};

// F: value(x) and derivative(x, y) with y = value(x).
template <class F, class A>
struct Unary {
  F f;
  A a;
  static constexpr bool sums_leaves = false;
  static constexpr bool touches(unsigned mask) { return A::touches(mask); }
  template <std::size_t By>
  constexpr auto shift() const {
    auto moved = a.template shift<By>();
    return Unary<F, decltype(moved)>{f, moved};
  }
  template <class L>
  struct Node {
    L value;
    typename A::template Node<L> a;
  };
  template <class L, class Load>
  VITRAIL_FUNCTION Node<L> eval(const Load& load) const {
    const auto x = a.template eval<L>(load);
    return {call_value(x.value), x};
  }
  template <unsigned Mask, class L, class Sink>
  VITRAIL_FUNCTION void pull(const Node<L>& node, const L& gradient, const Sink& sink) const {
    if constexpr (touches(Mask)) {
      a.template pull<Mask, L>(node.a, gradient * call_derivative(node.a.value, node.value), sink);
    }
  }

 private:
  template <class L>
  VITRAIL_FUNCTION L call_value(const L& x) const {
    VITRAIL_INLINE_CALL return f.value(x);
  }
  template <class L>
  VITRAIL_FUNCTION L call_derivative(const L& x, const L& y) const {
    VITRAIL_INLINE_CALL return f.derivative(x, y);
  }
};

// F: value(a, b), and left(g, a, b), right(g, a, b): what of the gradient g goes to each side (binary_functions.hpp).
template <class F>
inline constexpr bool function_sums = false;
template <class F>
requires requires { F::sums_leaves; }
inline constexpr bool function_sums<F> = F::sums_leaves;
template <class F>
inline constexpr bool function_differs = true;  // a gradient goes through it
template <class F>
requires requires { F::has_gradient; }
inline constexpr bool function_differs<F> = F::has_gradient;

template <class F, class A, class B>
struct Binary {
  F f;
  A a;
  B b;
  static constexpr bool sums_leaves = function_sums<F> && A::sums_leaves && B::sums_leaves;
  static constexpr bool touches(unsigned mask) { return function_differs<F> && (A::touches(mask) || B::touches(mask)); }
  template <std::size_t By>
  constexpr auto shift() const {
    auto left = a.template shift<By>();
    auto right = b.template shift<By>();
    return Binary<F, decltype(left), decltype(right)>{f, left, right};
  }
  template <class L>
  struct Node {
    L value;
    typename A::template Node<L> a;
    typename B::template Node<L> b;
  };
  template <class L, class Load>
  VITRAIL_FUNCTION Node<L> eval(const Load& load) const {
    const auto x = a.template eval<L>(load);
    const auto y = b.template eval<L>(load);
    return {call_value(x.value, y.value), x, y};
  }
  template <unsigned Mask, class L, class Sink>
  VITRAIL_FUNCTION void pull(const Node<L>& node, const L& gradient, const Sink& sink) const {
    if constexpr (touches(Mask) && A::touches(Mask)) {
      a.template pull<Mask, L>(node.a, call_left(gradient, node.a.value, node.b.value), sink);
    }
    if constexpr (touches(Mask) && B::touches(Mask)) {
      b.template pull<Mask, L>(node.b, call_right(gradient, node.a.value, node.b.value), sink);
    }
  }

 private:
  template <class L>
  VITRAIL_FUNCTION L call_value(const L& x, const L& y) const {
    VITRAIL_INLINE_CALL return f.value(x, y);
  }
  template <class L>
  VITRAIL_FUNCTION L call_left(const L& g, const L& x, const L& y) const {
    VITRAIL_INLINE_CALL return f.left(g, x, y);
  }
  template <class L>
  VITRAIL_FUNCTION L call_right(const L& g, const L& x, const L& y) const {
    VITRAIL_INLINE_CALL return f.right(g, x, y);
  }
};

// a where the condition is not 0, else b: torch.where. No gradient goes to the condition.
template <class C, class A, class B>
struct Where {
  C condition;
  A a;
  B b;
  static constexpr bool sums_leaves = false;
  static constexpr bool touches(unsigned mask) { return A::touches(mask) || B::touches(mask); }
  template <std::size_t By>
  constexpr auto shift() const {
    auto c = condition.template shift<By>();
    auto left = a.template shift<By>();
    auto right = b.template shift<By>();
    return Where<decltype(c), decltype(left), decltype(right)>{c, left, right};
  }
  template <class L>
  struct Node {
    L value, condition;
    typename A::template Node<L> a;
    typename B::template Node<L> b;
  };
  template <class L, class Load>
  VITRAIL_FUNCTION Node<L> eval(const Load& load) const {
    const L c = condition.template eval<L>(load).value;
    const auto x = a.template eval<L>(load);
    const auto y = b.template eval<L>(load);
    return {select(c != constant<L>(0), x.value, y.value), c, x, y};
  }
  template <unsigned Mask, class L, class Sink>
  VITRAIL_FUNCTION void pull(const Node<L>& node, const L& gradient, const Sink& sink) const {
    const L zero = constant<L>(0);
    if constexpr (A::touches(Mask)) {
      a.template pull<Mask, L>(node.a, select(node.condition != zero, gradient, zero), sink);
    }
    if constexpr (B::touches(Mask)) {
      b.template pull<Mask, L>(node.b, select(node.condition != zero, zero, gradient), sink);
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU
