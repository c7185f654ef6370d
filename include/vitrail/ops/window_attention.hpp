// window_attention.hpp - attention within the windows of a map, and shifted ones (Liu et al. 2021, Swin Transformer).
#pragma once

#include "attention.hpp"

namespace vitrail::inline VITRAIL_TU {

// What the score of two tokens in one window that are no neighbours in the map becomes: hidden, exactly; or 100 less,
// as in the published models.
enum class seam_mask { exact, minus_100 };
struct WindowScoring {
  double scale = 0;  // of the products; 0: 1 / sqrt(d)
  seam_mask mask = seam_mask::exact;
};

template <std::size_t Given, std::size_t Expected>
struct error_window_attention_tokens_are_not_those_of_the_map;
template <std::size_t Height, std::size_t Width, std::size_t Rows, std::size_t Columns>
struct error_window_attention_map_is_not_divisible_into_windows;

namespace detail {
template <std::size_t HeadCount, Windows W, class X, class B>
constexpr auto window_attention(const X& qkv, const B& bias, const WindowScoring& scoring) {
  using S = typename X::shape;
  constexpr std::size_t N = W.tokens();
  if constexpr (S::rank != 2) {
    return refuse<error_attention_input_is_not_of_rank_2<S::rank>>(qkv, bias);
  } else if constexpr (HeadCount == 0 || S::last % (3 * HeadCount) != 0) {
    return refuse<error_attention_columns_are_not_three_times_a_multiple_of_heads<S::last, HeadCount>>(qkv, bias);
  } else if constexpr (N == 0 || W.height % W.rows != 0 || W.width % W.columns != 0) {
    return refuse<error_window_attention_map_is_not_divisible_into_windows<W.height, W.width, W.rows, W.columns>>(qkv,
                                                                                                                  bias);
  } else if constexpr (S::rows != W.height * W.width) {
    return refuse<error_window_attention_tokens_are_not_those_of_the_map<S::rows, W.height * W.width>>(qkv, bias);
  } else if constexpr (!std::is_same_v<typename B::shape, Shape<HeadCount, N, N>>) {
    return refuse<error_attention_bias_is_not_heads_by_queries_by_keys<B::shape::size, HeadCount, N, N>>(qkv, bias);
  } else if constexpr (!is_one_for_all<B>()) {
    return refuse<error_attention_bias_is_not_one_for_the_whole_batch<HeadCount, N, N>>(qkv, bias);
  } else {
    constexpr AttentionLayout layout = [] {
      AttentionLayout a = layout_of_columns(HeadCount, N, N, S::last / 3, 1, true, false);
      a.q.sample = a.k.sample = a.v.sample = S::size;
      a.windows = W;
      return a;
    }();
    AttentionOp<layout, 2> op{scoring.scale == 0 ? rsqrt_of<S::last / 3 / HeadCount> : scoring.scale};
    if (scoring.mask == seam_mask::minus_100) op.masked = -100;
    return apply(op, qkv, bias);
  }
}
}  // namespace detail

// qkv [height * width, 3 C], a row-major map of tokens; bias [heads, N, N] of the N tokens of a window, one for the
// whole batch -> [height * width, C].
template <std::size_t HeadCount, Windows W, class X, class B>
constexpr auto window_attention(X&& qkv, B&& bias, const WindowScoring& scoring = {}) {
  return detail::window_attention<HeadCount, W>(evaluate(static_cast<X&&>(qkv)), evaluate(static_cast<B&&>(bias)),
                                                scoring);
}

}  // namespace vitrail::inline VITRAIL_TU
