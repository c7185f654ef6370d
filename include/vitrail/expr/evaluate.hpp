// evaluate.hpp - an expression is a tree with its leaves; evaluating it is one operation. expression.hpp makes them.
#pragma once

#include <concepts>
#include <cstddef>
#include <tuple>
#include <utility>

#include "../autodiff/eager.hpp"
#include "broadcast.hpp"
#include "elementwise.hpp"
#include "layout.hpp"
#include "tree.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
// The context of the first Var; NoStep if there is none.
template <class... Leaves>
using context_among = std::remove_pointer_t<decltype(context_of(std::declval<const Leaves&>()...))>;
template <class Context, class V>
constexpr bool leaf_tracked() {
  if constexpr (is_var<V>) {
    return V::tracked;
  } else {
    return V::trainable && Context::gradients;
  }
}
}  // namespace detail

// Its shape and batch follow from its leaves as in NumPy (layout.hpp). Leaves are held by value, so nothing dangles
// when a function returns an expression.
template <class Tree, class... Leaves>
struct Expression : detail::EagerResult<Expression<Tree, Leaves...>, detail::context_among<Leaves...>> {
  using context = detail::context_among<Leaves...>;
  using layout = detail::Layout<Leaves...>;
  using shape = typename layout::shape;
  static constexpr bool batched = layout::batched;
  // Leaves through which a gradient flows: tracked ones that are not only compared.
  static constexpr unsigned tracked_leaves = [] {
    unsigned mask = 0, bit = 1;
    ((mask |= detail::leaf_tracked<context, Leaves>() && Tree::touches(bit) ? bit : 0, bit <<= 1), ...);
    return mask;
  }();
  static constexpr bool tracked = tracked_leaves != 0;

  Tree tree;
  std::tuple<Leaves...> leaves;
  constexpr Expression(const Tree& tree_, const std::tuple<Leaves...>& leaves_) : tree(tree_), leaves(leaves_) {}
};
template <class Tree, class... Leaves>
inline constexpr bool is_expression<Expression<Tree, Leaves...>> = true;

// The operand itself, as a leaf; a Tensor's is in autodiff/eager.hpp.
template <class X>
requires(is_var<X> || is_parameter<X>) constexpr X as_leaf(const X& x) { return x; }
template <class X>
concept Leafy = requires(const std::remove_cvref_t<X>& x) {
  as_leaf(x);
};
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

template <std::size_t Parameters>
struct error_an_expression_of_parameters_alone_belongs_to_no_step;

namespace detail {

// A leaf through which no gradient flows is not tracked here, whatever it is elsewhere.
template <bool Tracked, class Context, class V>
constexpr auto leaf_for(Context* ctx, const V& leaf) {
  if constexpr (Tracked || !leaf_tracked<Context, V>()) {
    return leaf;
  } else if constexpr (is_var<V>) {
    return same_value<typename V::shape, false>(leaf);
  } else {
    using T = typename Context::value;
    return Var<typename V::shape, false, false, Context>(ctx, -1, const_cast<T*>(leaf.data));
  }
}

}  // namespace detail

// Evaluates an expression into a Var: one operation on the tape. A Var or parameter is passed through, a Tensor becomes
// a Var of its own (autodiff/eager.hpp).
template <class E>
constexpr auto evaluate(E&& e) {
  using D = std::remove_cvref_t<E>;
  must_be_rvalue<E>();
  if constexpr (Leafy<D>) {
    return as_leaf(e);
  } else if constexpr (!is_expression<D>) {
    return D(e);  // of a forward function that returns several
  } else {
    // Not std::apply: its noexcept instantiates this twice, and doubles what a compiler says about an error.
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      auto* ctx = detail::context_of(std::get<I>(e.leaves)...);
      if constexpr ((is_refused<std::tuple_element_t<I, decltype(e.leaves)>> || ...)) {
        return refused(ctx);
      } else if constexpr (std::is_same_v<typename D::context, NoStep>) {
        return refuse<error_an_expression_of_parameters_alone_belongs_to_no_step<sizeof...(I)>>(ctx);
      } else if constexpr (!D::layout::ok) {
        return D::layout::refuse(ctx);
      } else {
        using Operation = typename detail::OperationOf<decltype(e.tree), typename D::layout, D::tracked_leaves>::type;
        return apply(ctx, Operation{e.tree},
                     detail::leaf_for<((D::tracked_leaves >> I) & 1) != 0>(ctx, std::get<I>(e.leaves))...);
      }
    }
    (std::make_index_sequence<std::tuple_size_v<decltype(e.leaves)>>{});
  }
}

// The same value without a gradient: what comes of it does not train what it came from. torch.Tensor.detach.
template <class V>
requires is_var<V>
constexpr auto detach(const V& v) { return same_value<typename V::shape, false>(v); }

}  // namespace vitrail::inline VITRAIL_TU
