// expression.hpp - elementwise arithmetic on Vars, parameters and Tensors, kept as a tree until it is assigned or given
// to an operation or module; then it is one loop forward and one backward. An expression can only be consumed once, as
// an rvalue.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "binary_functions.hpp"
#include "evaluate.hpp"
#include "functions.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

template <class X>
constexpr auto tree_of(X&& x) {
  if constexpr (is_expression<std::remove_cvref_t<X>>) {
    return x.tree;
  } else if constexpr (Number<X>) {
    return Scalar{static_cast<double>(x)};
  } else {
    return Leaf<0>{};
  }
}
template <class X>
constexpr auto leaves_of(X&& x) {
  if constexpr (is_expression<std::remove_cvref_t<X>>) {
    return x.leaves;
  } else if constexpr (Number<X>) {
    return std::tuple<>{};
  } else {
    return std::tuple(as_leaf(x));
  }
}
template <class Tree, class... Leaves>
constexpr auto make_expression(const Tree& tree, const std::tuple<Leaves...>& leaves) {
  return Expression<Tree, Leaves...>(tree, leaves);
}
template <class F, class A, class B>
constexpr auto binary(const F& f, A&& a, B&& b) {
  must_be_rvalue<A>();
  must_be_rvalue<B>();
  auto leaves = leaves_of(a);
  auto left = tree_of(a);
  auto right = tree_of(b).template shift<std::tuple_size_v<decltype(leaves)>>();
  return make_expression(Binary<F, decltype(left), decltype(right)>{f, left, right},
                         std::tuple_cat(leaves, leaves_of(b)));
}

}  // namespace detail

template <class A, class B>
concept Operands = (Operand<A> && (Operand<B> || Number<B>)) || (Number<A> && Operand<B>);

// Comparisons give 1 or 0. No gradient flows through them.
#define VITRAIL_BINARY_OPERATOR(o, Function)                                               \
  template <class A, class B>                                                              \
  requires Operands<A, B>                                                                  \
  constexpr auto operator o(A&& a, B&& b) {                                                \
    return detail::binary(function::Function{}, static_cast<A&&>(a), static_cast<B&&>(b)); \
  }
VITRAIL_BINARY_OPERATOR(+, Add)
VITRAIL_BINARY_OPERATOR(-, Subtract)
VITRAIL_BINARY_OPERATOR(*, Multiply)
VITRAIL_BINARY_OPERATOR(/, Divide)
VITRAIL_BINARY_OPERATOR(<, Less)
VITRAIL_BINARY_OPERATOR(>, Greater)
VITRAIL_BINARY_OPERATOR(<=, LessEqual)
VITRAIL_BINARY_OPERATOR(>=, GreaterEqual)
VITRAIL_BINARY_OPERATOR(==, Equal)
VITRAIL_BINARY_OPERATOR(!=, NotEqual)
#undef VITRAIL_BINARY_OPERATOR

template <Operand A>
constexpr auto operator-(A&& a) {
  return static_cast<A&&>(a) * -1.0;
}

// Applies a function of one element (functions.hpp says what it must have), or of two (binary_functions.hpp).
template <class F, Operand A>
constexpr auto map(F f, A&& a) {
  must_be_rvalue<A>();
  auto tree = detail::tree_of(a);
  return detail::make_expression(Unary<F, decltype(tree)>{f, tree}, detail::leaves_of(a));
}
template <class F, class A, class B>
requires Operands<A, B>
constexpr auto map(F f, A&& a, B&& b) { return detail::binary(f, static_cast<A&&>(a), static_cast<B&&>(b)); }

#define VITRAIL_UNARY(name, Function)                      \
  template <Operand A>                                     \
  constexpr auto name(A&& a) {                             \
    return map(function::Function{}, static_cast<A&&>(a)); \
  }
VITRAIL_UNARY(exp, Exp)
VITRAIL_UNARY(log, Log)
VITRAIL_UNARY(tanh, Tanh)
VITRAIL_UNARY(sigmoid, Sigmoid)
VITRAIL_UNARY(sqrt, Sqrt)
VITRAIL_UNARY(rsqrt, Rsqrt)
VITRAIL_UNARY(square, Square)
VITRAIL_UNARY(abs, Abs)
VITRAIL_UNARY(relu, Relu)
VITRAIL_UNARY(silu, Silu)
VITRAIL_UNARY(softplus, Softplus)
VITRAIL_UNARY(gelu, Gelu)
VITRAIL_UNARY(gelu_tanh, GeluTanh)
#undef VITRAIL_UNARY

// The larger and the smaller of two, torch.maximum and torch.minimum; one of them may be a number.
template <class A, class B>
requires Operands<A, B>
constexpr auto max(A&& a, B&& b) {
  return detail::binary(function::Maximum{}, static_cast<A&&>(a), static_cast<B&&>(b));
}
template <class A, class B>
requires Operands<A, B>
constexpr auto min(A&& a, B&& b) {
  return detail::binary(function::Minimum{}, static_cast<A&&>(a), static_cast<B&&>(b));
}
// x^exponent: a number, or one for each element (then for x > 0).
template <Operand A, class B>
requires Operands<A, B>
constexpr auto pow(A&& x, B&& exponent) {
  if constexpr (Number<B>) {
    return map(function::Power{static_cast<double>(exponent)}, static_cast<A&&>(x));
  } else {
    return detail::binary(function::PowerOf{}, static_cast<A&&>(x), static_cast<B&&>(exponent));
  }
}
// min(max(x, low), high).
template <Operand A>
constexpr auto clamp(A&& x, double low, double high) {
  return map(function::Clamp{low, high}, static_cast<A&&>(x));
}
// a where the condition is not 0, else b: `vt::where(x > 0.0, x, 0.1 * x)`. Both are computed.
template <Operand C, class A, class B>
requires Operands<A, B>
constexpr auto where(C&& condition, A&& a, B&& b) {
  must_be_rvalue<C>();
  must_be_rvalue<A>();
  must_be_rvalue<B>();
  auto of_condition = detail::leaves_of(condition);
  auto with_a = std::tuple_cat(of_condition, detail::leaves_of(a));
  auto tree = detail::tree_of(condition);
  auto left = detail::tree_of(a).template shift<std::tuple_size_v<decltype(of_condition)>>();
  auto right = detail::tree_of(b).template shift<std::tuple_size_v<decltype(with_a)>>();
  return detail::make_expression(Where<decltype(tree), decltype(left), decltype(right)>{tree, left, right},
                                 std::tuple_cat(with_a, detail::leaves_of(b)));
}

// 1 / sqrt(n) as a constant, the scale of an attention's scores.
template <std::size_t N>
inline constexpr double rsqrt_of = [] {
  double root = 1;
  for (int i = 0; i < 64; ++i) root = 0.5 * (root + static_cast<double>(N) / root);  // Newton: std::sqrt is no constant
  return 1 / root;
}();

}  // namespace vitrail::inline VITRAIL_TU
