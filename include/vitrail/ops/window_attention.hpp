// window_attention.hpp - attention within the windows of a map, and shifted ones (Liu et al. 2021, Swin Transformer).
#pragma once

#include "attention.hpp"
#include "slice.hpp"

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

template <std::size_t Given, std::size_t Expected>
struct error_window_attention_prompts_have_other_columns_than_the_tokens;

namespace detail {
template <std::size_t HeadCount, Windows W, class X, class B, class... Prompts>
constexpr auto window_attention(const WindowScoring& scoring, const X& qkv, const B& bias, const Prompts&... prompts) {
  using S = typename X::shape;
  constexpr std::size_t N = W.tokens();
  if constexpr (S::rank != 2) {
    return refuse<error_attention_input_is_not_of_rank_2<S::rank>>(qkv, bias, prompts...);
  } else if constexpr (HeadCount == 0 || S::last % (3 * HeadCount) != 0) {
    return refuse<error_attention_columns_are_not_three_times_a_multiple_of_heads<S::last, HeadCount>>(qkv, bias,
                                                                                                       prompts...);
  } else if constexpr (N == 0 || W.height % W.rows != 0 || W.width % W.columns != 0) {
    return refuse<error_window_attention_map_is_not_divisible_into_windows<W.height, W.width, W.rows, W.columns>>(
        qkv, bias, prompts...);
  } else if constexpr (S::rows != W.height * W.width) {
    return refuse<error_window_attention_tokens_are_not_those_of_the_map<S::rows, W.height * W.width>>(qkv, bias,
                                                                                                       prompts...);
  } else if constexpr (!std::is_same_v<typename B::shape, Shape<HeadCount, N, N>>) {
    return refuse<error_attention_bias_is_not_heads_by_queries_by_keys<B::shape::size, HeadCount, N, N>>(qkv, bias,
                                                                                                         prompts...);
  } else if constexpr (!is_one_for_all<B>()) {
    return refuse<error_attention_bias_is_not_one_for_the_whole_batch<HeadCount, N, N>>(qkv, bias, prompts...);
  } else if constexpr (((Prompts::shape::rank != 2) || ...)) {
    return refuse<error_attention_input_is_not_of_rank_2<(Prompts::shape::rank + ...)>>(qkv, bias, prompts...);
  } else if constexpr (((Prompts::shape::last != S::last) || ...)) {
    return refuse<
        error_window_attention_prompts_have_other_columns_than_the_tokens<(Prompts::shape::last + ...), S::last>>(
        qkv, bias, prompts...);
  } else if constexpr (is_one_for_all<X>() && !(is_one_for_all<Prompts>() && ...)) {
    return refuse<error_attention_input_is_one_for_the_whole_batch_but_others_are_not<S::rows, S::last>>(qkv, bias,
                                                                                                         prompts...);
  } else {
    constexpr std::size_t extra = (Prompts::shape::rows + ... + 0), columns = S::last / 3;
    constexpr AttentionLayout layout = [] {
      AttentionLayout a = layout_of_columns(HeadCount, N, N + extra, columns, 1, true, false);
      a.q.sample = a.k.sample = a.v.sample = S::size;
      a.windows = W;
      if (extra > 0) {
        a.extra = extra;
        a.extra_k = columns_of(2, extra, S::last, 1, columns, HeadCount);
        a.extra_v = columns_of(2, extra, S::last, 2, columns, HeadCount);
        if ((is_one_for_all<Prompts>() && ...)) a.extra_k.sample = a.extra_v.sample = 0;
      }
      return a;
    }();
    AttentionOp<layout, 2 + sizeof...(Prompts)> op{scoring.scale == 0 ? rsqrt_of<columns / HeadCount> : scoring.scale};
    if (scoring.mask == seam_mask::minus_100) op.masked = -100;
    if constexpr (extra == 0) {
      return apply(op, qkv, bias);
    } else {
      return apply(op, qkv, pad<2, 0, extra>(as_var(context_of(qkv, bias, prompts...), bias)), prompts...);
    }
  }
}
}  // namespace detail

// qkv [height * width, 3 C], a row-major map of tokens; bias [heads, N, N] of the N tokens of a window, one for the
// whole batch -> [height * width, C].
template <std::size_t HeadCount, Windows W, class X, class B>
constexpr auto window_attention(X&& qkv, B&& bias, const WindowScoring& scoring = {}) {
  return detail::window_attention<HeadCount, W>(scoring, evaluate(static_cast<X&&>(qkv)),
                                                evaluate(static_cast<B&&>(bias)));
}
// With prompts [p, 3 C], of each sample or one for all: further keys and values in every window, with no bias and no
// mask. Their queries are not asked.
template <std::size_t HeadCount, Windows W, class X, class B, Operand V>
constexpr auto window_attention(X&& qkv, B&& bias, V&& prompts, const WindowScoring& scoring = {}) {
  return detail::window_attention<HeadCount, W>(scoring, evaluate(static_cast<X&&>(qkv)),
                                                evaluate(static_cast<B&&>(bias)), evaluate(static_cast<V&&>(prompts)));
}

}  // namespace vitrail::inline VITRAIL_TU
