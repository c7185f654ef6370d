// permute.hpp - the axes in another order.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "move.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

template <class S, std::size_t... Order>
struct Permutation {
  using from = S;
  using shape = Shape<S::dims[Order]...>;
  static constexpr const char* name = "permute";
  static constexpr StridedAxes axes = permuted_axes<S::rank>(S::dims, {Order...});
};
template <std::size_t... Order>
constexpr bool is_permutation() {
  unsigned long long seen = 0;
  return ((Order < sizeof...(Order) && !((seen >> Order) & 1) && (seen |= 1ull << Order)) && ...);
}
// The last two axes change places.
template <class S, class Leading>
struct TransposedLast;
template <class S, std::size_t... I>
struct TransposedLast<S, std::index_sequence<I...>> {
  using type = Permutation<S, I..., S::rank - 1, S::rank - 2>;
};

}  // namespace detail

template <std::size_t Given, std::size_t Rank>
struct error_permute_has_another_number_of_axes_than_the_input;
template <std::size_t... Axes>
struct error_permute_axes_are_not_each_of_0_to_rank_once;
template <std::size_t Rank>
struct error_transpose_input_is_not_of_rank_2_or_more;

// Axis i of the result is axis Order[i] of x: permute<2, 0, 1>(x) is [C, H, W] of x [H, W, C]. torch.permute,
// numpy.transpose.
template <std::size_t... Order, Operand X>
requires(sizeof...(Order) > 0) constexpr auto permute(X&& x) {
  const auto v = evaluate(static_cast<X&&>(x));
  using S = typename std::remove_cvref_t<decltype(v)>::shape;
  if constexpr (sizeof...(Order) != S::rank) {
    return refuse<error_permute_has_another_number_of_axes_than_the_input<sizeof...(Order), S::rank>>(v);
  } else if constexpr (!detail::is_permutation<Order...>()) {
    return refuse<error_permute_axes_are_not_each_of_0_to_rank_once<Order...>>(v);
  } else {
    return detail::move<detail::Permutation<S, Order...>>(v);
  }
}
// x [.., N, M] -> [.., M, N]. numpy.matrix_transpose, x.mT in PyTorch.
template <Operand X>
constexpr auto transpose(X&& x) {
  const auto v = evaluate(static_cast<X&&>(x));
  using S = typename std::remove_cvref_t<decltype(v)>::shape;
  if constexpr (S::rank < 2) {
    return refuse<error_transpose_input_is_not_of_rank_2_or_more<S::rank>>(v);
  } else {
    return detail::move<typename detail::TransposedLast<S, std::make_index_sequence<S::rank - 2>>::type>(v);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
