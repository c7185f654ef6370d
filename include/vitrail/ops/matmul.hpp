// matmul.hpp - matrix products by the ranks of the operands. torch.matmul, the @ of NumPy.
#pragma once

#include <algorithm>
#include <cstddef>

#include "einsum.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// "a b m k, b k n -> a b m n" for ranks 4 and 3; the row of a vector on the left and the column of one on the right
// are left out.
template <std::size_t Left, std::size_t Right>
constexpr auto matmul_pattern() {
  constexpr std::size_t batch_axes = std::max({Left, Right, std::size_t(2)}) - 2;
  char text[96] = {};
  std::fill(text, text + 95, ' ');
  std::size_t at = 0;
  auto put = [&](const char* word) {
    while (*word) text[at++] = *word++;
    ++at;
  };
  auto batch = [&](std::size_t axes) {  // the last ones: shapes are aligned at their ends
    for (std::size_t i = batch_axes - axes; i < batch_axes; ++i) text[at] = static_cast<char>('a' + i), at += 2;
  };
  batch(Left > 2 ? Left - 2 : 0);
  put(Left > 1 ? "m k," : "k,");
  batch(Right > 2 ? Right - 2 : 0);
  put(Right > 1 ? "k n ->" : "k ->");
  batch(batch_axes);
  if (Left > 1) put("m");
  if (Right > 1) put("n");
  return FixedString<96>(text);
}
template <class A, class B>
constexpr bool same_batch_axes() {
  for (std::size_t back = 2; back < std::min(A::rank, B::rank); ++back) {
    if (A::dims[A::rank - 1 - back] != B::dims[B::rank - 1 - back]) return false;
  }
  return true;
}
template <class B>
constexpr std::size_t rows_of_right() {
  return B::dims[B::rank > 1 ? B::rank - 2 : 0];
}

}  // namespace detail

template <std::size_t Left, std::size_t Right>
struct error_matmul_operand_is_of_rank_0_or_more_than_6;
template <std::size_t Columns, std::size_t Rows>
struct error_matmul_columns_of_the_left_are_not_the_rows_of_the_right;
template <class Left, class Right>
struct error_matmul_axes_before_the_matrices_differ;

// [.., M, K] x [.., K, N] -> [.., M, N]. A vector [K] is a row on the left, a column on the right. Further axes in
// front are equal, or one operand has fewer of them. The batch is never named.
template <Operand A, Operand B>
constexpr auto matmul(A&& left, B&& right) {
  const auto a = evaluate(static_cast<A&&>(left));
  const auto b = evaluate(static_cast<B&&>(right));
  using S = typename std::remove_cvref_t<decltype(a)>::shape;
  using R = typename std::remove_cvref_t<decltype(b)>::shape;
  if constexpr (S::rank == 0 || R::rank == 0 || S::rank > 6 || R::rank > 6) {
    return refuse<error_matmul_operand_is_of_rank_0_or_more_than_6<S::rank, R::rank>>(a, b);
  } else if constexpr (S::last != detail::rows_of_right<R>()) {
    return refuse<error_matmul_columns_of_the_left_are_not_the_rows_of_the_right<S::last, detail::rows_of_right<R>()>>(
        a, b);
  } else if constexpr (!detail::same_batch_axes<S, R>()) {
    return refuse<error_matmul_axes_before_the_matrices_differ<S, R>>(a, b);
  } else {
    return einsum<detail::matmul_pattern<S::rank, R::rank>()>(a, b);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
