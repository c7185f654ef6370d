// expression.hpp - elementwise arithmetic on Vars and parameters, kept as a tree until it is assigned to a vt::Var or
// given to an operation or module; then it is one loop forward and one backward. An expression can only be consumed
// once, as an rvalue.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <tuple>
#include <utility>

#include "elementwise.hpp"
#include "functions.hpp"
#include "tree.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class... Leaves>
struct first_var;
template <class A, class... Leaves>
struct first_var<A, Leaves...> {
  using type = typename std::conditional_t<is_var<A>, std::type_identity<A>, first_var<Leaves...>>::type;
};

template <class Context, class V>
constexpr bool leaf_tracked() {
  if constexpr (is_var<V>) {
    return V::tracked;
  } else {
    return V::trainable && Context::gradients;
  }
}
template <class V>
constexpr bool leaf_batched() {
  if constexpr (is_var<V>) {
    return V::batched;
  } else {
    return false;
  }
}

// Its shape is that of its widest leaf; a leaf that is not batched, or has only the last axes, is repeated. Leaves are
// held by value, so nothing dangles when a function returns an expression.
template <class Tree, class... Leaves>
struct Expression {
  using context = typename first_var<Leaves...>::type::context;
  static constexpr std::size_t most = std::max({Leaves::shape::size...});
  template <class A, class... More>
  static constexpr auto widest() {
    if constexpr (A::shape::size == most) {
      return std::type_identity<typename A::shape>{};
    } else {
      return widest<More...>();
    }
  }
  using shape = typename decltype(widest<Leaves...>())::type;
  static constexpr bool batched = (leaf_batched<Leaves>() || ...);
  static constexpr bool tracked = (leaf_tracked<context, Leaves>() || ...);

  Tree tree;
  std::tuple<Leaves...> leaves;
};
template <class Tree, class... Leaves>
inline constexpr bool is_expression<Expression<Tree, Leaves...>> = true;

template <class X>
concept Leafy = is_var<std::remove_cvref_t<X>> || is_parameter<std::remove_cvref_t<X>>;
template <class X>
concept Operand = is_expression<std::remove_cvref_t<X>> || Leafy<X>;
template <class X>
concept Number = std::is_arithmetic_v<std::remove_cvref_t<X>>;

template <class S>
struct error_a_named_expression_would_be_evaluated_again_write_vt_Var_h_equals;
template <class E>
constexpr void must_be_rvalue() {
  using D = std::remove_cvref_t<E>;
  if constexpr (is_expression<D> && std::is_lvalue_reference_v<E>) {
    (void)sizeof(error_a_named_expression_would_be_evaluated_again_write_vt_Var_h_equals<typename D::shape>);
    static_assert(!std::is_lvalue_reference_v<E>,
                  "a named expression would be evaluated again: write `vt::Var h = ...` instead of `auto h = ...`");
  }
}

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
    return std::tuple<std::remove_cvref_t<X>>(x);
  }
}
template <class Tree, class... Leaves>
constexpr auto make_expression(const Tree& tree, const std::tuple<Leaves...>& leaves) {
  return Expression<Tree, Leaves...>{tree, leaves};
}
template <class F, class A, class B>
constexpr auto binary(A&& a, B&& b) {
  must_be_rvalue<A>();
  must_be_rvalue<B>();
  auto leaves = leaves_of(a);
  auto left = tree_of(a);
  auto right = tree_of(b).template shift<std::tuple_size_v<decltype(leaves)>>();
  return make_expression(Binary<F, decltype(left), decltype(right)>{left, right}, std::tuple_cat(leaves, leaves_of(b)));
}

}  // namespace detail

template <class A, class B>
concept Operands = (Operand<A> && (Operand<B> || Number<B>)) || (Number<A> && Operand<B>);
template <class A, class B>
requires Operands<A, B>
constexpr auto operator+(A&& a, B&& b) {
  return detail::binary<function::Add>(static_cast<A&&>(a), static_cast<B&&>(b));
}
template <class A, class B>
requires Operands<A, B>
constexpr auto operator-(A&& a, B&& b) {
  return detail::binary<function::Subtract>(static_cast<A&&>(a), static_cast<B&&>(b));
}
template <class A, class B>
requires Operands<A, B>
constexpr auto operator*(A&& a, B&& b) {
  return detail::binary<function::Multiply>(static_cast<A&&>(a), static_cast<B&&>(b));
}
template <class A, class B>
requires Operands<A, B>
constexpr auto operator/(A&& a, B&& b) {
  return detail::binary<function::Divide>(static_cast<A&&>(a), static_cast<B&&>(b));
}
template <Operand A>
constexpr auto operator-(A&& a) {
  return static_cast<A&&>(a) * -1.0;
}

// Applies a function of one element (functions.hpp says what it must have) to an expression, a Var or a parameter.
template <class F, Operand A>
constexpr auto map(F f, A&& a) {
  must_be_rvalue<A>();
  auto tree = detail::tree_of(a);
  return detail::make_expression(Unary<F, decltype(tree)>{f, tree}, detail::leaves_of(a));
}
template <Operand A>
constexpr auto exp(A&& a) {
  return map(function::Exp{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto log(A&& a) {
  return map(function::Log{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto tanh(A&& a) {
  return map(function::Tanh{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto sigmoid(A&& a) {
  return map(function::Sigmoid{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto sqrt(A&& a) {
  return map(function::Sqrt{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto square(A&& a) {
  return map(function::Square{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto relu(A&& a) {
  return map(function::Relu{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto silu(A&& a) {
  return map(function::Silu{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto gelu(A&& a) {
  return map(function::Gelu{}, static_cast<A&&>(a));
}
template <Operand A>
constexpr auto gelu_tanh(A&& a) {
  return map(function::GeluTanh{}, static_cast<A&&>(a));
}

// 1 / sqrt(n) as a constant, the scale of an attention's scores.
template <std::size_t N>
inline constexpr double rsqrt_of = [] {
  double root = 1;
  for (int i = 0; i < 64; ++i) root = 0.5 * (root + static_cast<double>(N) / root);  // Newton: std::sqrt is no constant
  return 1 / root;
}();

template <class Operand, class Result>
struct error_elementwise_operand_is_not_the_result_or_its_last_axes;
template <std::size_t One, std::size_t Other>
struct error_elementwise_operands_repeat_with_different_periods_split_with_vt_Var;

namespace detail {

template <class S, class Of>
constexpr bool is_suffix() {
  if (S::rank > Of::rank) return false;
  for (std::size_t i = std::min(S::rank, Of::rank); i-- > 0;) {
    if (S::dims[S::rank - 1 - i] != Of::dims[Of::rank - 1 - i]) return false;
  }
  return true;
}

// What evaluate must know of an expression, as constants of a class.
template <class X>
struct Evaluation;
template <class Tree, class... Leaves>
struct Evaluation<Expression<Tree, Leaves...>> {
  using X = Expression<Tree, Leaves...>;
  using S = typename X::shape;
  template <class V>
  static constexpr bool is_full = V::shape::size == S::size&& leaf_batched<V>() == X::batched;
  static constexpr unsigned mask(std::initializer_list<bool> bits) {
    unsigned m = 0, i = 0;
    for (const bool bit : bits) m |= unsigned(bit) << i++;
    return m;
  }
  // A leaf is full if it has an element for every element of the result; the others repeat, all with the same period.
  static constexpr unsigned full = mask({is_full<Leaves>...});
  static constexpr unsigned tracked = mask({leaf_tracked<typename X::context, Leaves>()...});
  static constexpr std::size_t period = std::min({(is_full<Leaves> ? S::size : Leaves::shape::size)...});
  using type = Elementwise<Tree, S, period, full, tracked, sizeof...(Leaves)>;

  template <class V>
  static constexpr bool repeats_whole = is_suffix<typename V::shape, S>() &&
                                        !(leaf_batched<V>() && V::shape::size != S::size);
  template <class V>
  static constexpr bool fits = repeats_whole<V> && (is_full<V> || V::shape::size == period);
  static constexpr bool all_fit = (fits<Leaves> && ...) && !(is_refused<Leaves> || ...);

  // Says which leaf does not fit, unless one was refused before.
  template <class Context, class V, class... More>
  static constexpr auto refuse_leaves(Context* ctx, const V&, const More&... more) {
    if constexpr ((is_refused<Leaves> || ...)) {
      return refused(ctx);
    } else if constexpr (!repeats_whole<V>) {
      return refuse<error_elementwise_operand_is_not_the_result_or_its_last_axes<typename V::shape, S>>(ctx);
    } else if constexpr (!fits<V>) {
      return refuse<error_elementwise_operands_repeat_with_different_periods_split_with_vt_Var<V::shape::size, period>>(
          ctx);
    } else {
      return refuse_leaves(ctx, more...);
    }
  }
};

template <class V, class Context>
constexpr void find_context(const V& leaf, Context*& ctx) {
  if constexpr (is_var<V>) ctx = leaf.ctx;
}

}  // namespace detail

// Evaluates an expression into a Var: one operation on the tape. A Var or parameter is passed through.
template <class E>
constexpr auto evaluate(E&& e) {
  using D = std::remove_cvref_t<E>;
  must_be_rvalue<E>();
  if constexpr (!is_expression<D>) {
    return D(e);
  } else {
    using Operation = detail::Evaluation<D>;
    typename D::context* ctx = nullptr;
    // Not std::apply: its noexcept instantiates this twice, and doubles what a compiler says about an error.
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      (detail::find_context(std::get<I>(e.leaves), ctx), ...);
      if constexpr (Operation::all_fit) {
        return apply(ctx, typename Operation::type{e.tree}, std::get<I>(e.leaves)...);
      } else {
        return Operation::refuse_leaves(ctx, std::get<I>(e.leaves)...);
      }
    }
    (std::make_index_sequence<std::tuple_size_v<decltype(e.leaves)>>{});
  }
}

}  // namespace vitrail::inline VITRAIL_TU
