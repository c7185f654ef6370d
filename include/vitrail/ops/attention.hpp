// attention.hpp - multi-head attention, softmax(Q K^T / sqrt(d) + bias) V per head: self-attention on a fused qkv, and
// cross-attention. torch.nn.functional.scaled_dot_product_attention, between timm's qkv and proj.
#pragma once

#include <cstddef>

#include "../expr/expression.hpp"
#include "attention_op.hpp"

namespace vitrail::inline VITRAIL_TU {

struct NoBias {};
// How scores are made from products, as the last argument of an attention: vt::causal, vt::score_bias(b), or
// vt::score_bias(b, vt::causal).
template <class Bias = NoBias, bool Causal = false>
struct Scoring {
  static constexpr bool biased = !std::is_same_v<Bias, NoBias>, causal = Causal;
  Bias bias = {};
};
// Query i sees the keys up to i; with more keys than queries, up to i + keys - queries.
inline constexpr Scoring<NoBias, true> causal{};
// bias [heads, queries, keys], a parameter or what is one for the whole batch, is added to the scaled scores. It may be
// -infinity where a key must not be seen. It has a gradient.
template <class B, bool Causal = false>
constexpr auto score_bias(B&& bias, const Scoring<NoBias, Causal>& = {}) {
  const auto v = evaluate(static_cast<B&&>(bias));
  return Scoring<std::remove_cvref_t<decltype(v)>, Causal>{v};
}
template <class X>
inline constexpr bool is_scoring = false;
template <class B, bool Causal>
inline constexpr bool is_scoring<Scoring<B, Causal>> = true;

template <std::size_t Rank>
struct error_attention_input_is_not_of_rank_2;
template <std::size_t Rank>
struct error_attention_of_heads_input_is_not_of_rank_3;
template <std::size_t Columns, std::size_t Heads>
struct error_attention_columns_are_not_three_times_a_multiple_of_heads;
template <std::size_t Queries, std::size_t Tokens>
struct error_attention_queries_are_none_or_more_than_the_tokens;
template <std::size_t Columns, std::size_t Heads>
struct error_attention_columns_are_not_a_multiple_of_heads;
template <std::size_t Queries, std::size_t Keys>
struct error_attention_keys_have_another_width_than_the_queries;
template <std::size_t Values, std::size_t Keys>
struct error_attention_values_have_another_shape_than_the_keys;
template <std::size_t Given, std::size_t Expected>
struct error_attention_fused_keys_and_values_are_not_twice_as_wide_as_the_queries;
template <std::size_t Queries, std::size_t Keys>
struct error_attention_is_causal_but_has_fewer_keys_than_queries;
template <std::size_t Given, std::size_t Heads, std::size_t Queries, std::size_t Keys>
struct error_attention_bias_is_not_heads_by_queries_by_keys;
template <std::size_t Heads, std::size_t Queries, std::size_t Keys>
struct error_attention_bias_is_not_one_for_the_whole_batch;
template <std::size_t Tokens, std::size_t Columns>
struct error_attention_input_is_one_for_the_whole_batch_but_others_are_not;

namespace detail {

// Runs the attention of Layout on x... and the bias, once that is checked.
template <AttentionLayout Layout, class S, class... X>
constexpr auto scored_attention(double scale, const S& scoring, const X&... x) {
  constexpr std::size_t heads = Layout.heads, queries = Layout.queries, keys = Layout.keys;
  constexpr bool none_batched = (is_one_for_all<X>() && ...), all_batched = (!is_one_for_all<X>() && ...);
  if constexpr (!none_batched && !all_batched) {
    return refuse<
        error_attention_input_is_one_for_the_whole_batch_but_others_are_not<queries, heads * Layout.channels>>(x...);
  } else if constexpr (S::causal && keys < queries) {
    return refuse<error_attention_is_causal_but_has_fewer_keys_than_queries<queries, keys>>(x...);
  } else if constexpr (S::biased) {
    using Bias = decltype(scoring.bias);
    if constexpr (!std::is_same_v<typename Bias::shape, Shape<heads, queries, keys>>) {
      return refuse<error_attention_bias_is_not_heads_by_queries_by_keys<Bias::shape::size, heads, queries, keys>>(
          x..., scoring.bias);
    } else if constexpr (!is_one_for_all<Bias>()) {
      return refuse<error_attention_bias_is_not_one_for_the_whole_batch<heads, queries, keys>>(x..., scoring.bias);
    } else {
      return apply(AttentionOp<Layout, sizeof...(X) + 1>{scale}, x..., scoring.bias);
    }
  } else {
    return apply(AttentionOp<Layout, sizeof...(X)>{scale}, x...);
  }
}

constexpr AttentionLayout::Matrix columns_of(std::size_t input, std::size_t tokens, std::size_t width, std::size_t part,
                                             std::size_t columns, std::size_t heads) {
  return {input, part * columns, width, columns / heads, tokens * width};
}
// q, k and v are parts of `columns` columns of inputs of these widths, [queries, ..] and [keys, ..].
constexpr AttentionLayout layout_of_columns(std::size_t heads, std::size_t queries, std::size_t keys,
                                            std::size_t columns, std::size_t inputs, bool biased, bool causal) {
  AttentionLayout a;
  a.heads = heads, a.queries = queries, a.keys = keys, a.channels = columns / heads;
  const std::size_t q_width = (inputs == 1 ? 3 : 1) * columns, k_width = (inputs == 1   ? 3
                                                                          : inputs == 2 ? 2
                                                                                        : 1) *
                                                                         columns;
  a.q = columns_of(0, inputs == 1 ? keys : queries, q_width, 0, columns, heads);
  a.k = columns_of(inputs == 1 ? 0 : 1, keys, k_width, inputs == 1 ? 1 : 0, columns, heads);
  a.v = columns_of(inputs - 1, keys, k_width, 3 - inputs, columns, heads);
  a.bias = biased ? inputs : 0;
  a.causal = causal;
  return a;
}

inline constexpr std::size_t all_queries = static_cast<std::size_t>(-1);
template <std::size_t HeadCount, std::size_t Asked, class X, class S>
constexpr auto self_attention(const X& qkv, const S& scoring) {
  using Given = typename X::shape;
  if constexpr (Given::rank != 2) {
    return refuse<error_attention_input_is_not_of_rank_2<Given::rank>>(qkv);
  } else if constexpr (HeadCount == 0 || Given::last % (3 * HeadCount) != 0) {
    return refuse<error_attention_columns_are_not_three_times_a_multiple_of_heads<Given::last, HeadCount>>(qkv);
  } else if constexpr (Asked == 0 || (Asked != all_queries && Asked > Given::rows)) {
    return refuse<error_attention_queries_are_none_or_more_than_the_tokens<Asked, Given::rows>>(qkv);
  } else {
    constexpr std::size_t columns = Given::last / 3, queries = Asked == all_queries ? Given::rows : Asked;
    constexpr AttentionLayout layout =
        layout_of_columns(HeadCount, queries, Given::rows, columns, 1, S::biased, S::causal);
    return scored_attention<layout>(rsqrt_of<columns / HeadCount>, scoring, qkv);
  }
}
template <std::size_t HeadCount, class Q, class... KV, class S>
constexpr auto cross_attention(const S& scoring, const Q& q, const KV&... kv) {
  using Queries = typename Q::shape;
  using Keys = typename std::tuple_element_t<0, std::tuple<KV...>>::shape;
  constexpr bool fused = sizeof...(KV) == 1;
  if constexpr (Queries::rank != 2 || ((KV::shape::rank != 2) || ...)) {
    return refuse<error_attention_input_is_not_of_rank_2<Queries::rank != 2 ? Queries::rank : Keys::rank>>(q, kv...);
  } else if constexpr (HeadCount == 0 || Queries::last % HeadCount != 0) {
    return refuse<error_attention_columns_are_not_a_multiple_of_heads<Queries::last, HeadCount>>(q, kv...);
  } else if constexpr (fused && Keys::last != 2 * Queries::last) {
    return refuse<
        error_attention_fused_keys_and_values_are_not_twice_as_wide_as_the_queries<Keys::last, 2 * Queries::last>>(
        q, kv...);
  } else if constexpr (!fused && Keys::last != Queries::last) {
    return refuse<error_attention_keys_have_another_width_than_the_queries<Queries::last, Keys::last>>(q, kv...);
  } else if constexpr (!(std::is_same_v<typename KV::shape, Keys> && ...)) {
    using Values = typename std::tuple_element_t<sizeof...(KV) - 1, std::tuple<KV...>>::shape;
    return refuse<error_attention_values_have_another_shape_than_the_keys<Values::size, Keys::size>>(q, kv...);
  } else {
    constexpr AttentionLayout layout =
        layout_of_columns(HeadCount, Queries::rows, Keys::rows, Queries::last, 1 + sizeof...(KV), S::biased, S::causal);
    return scored_attention<layout>(rsqrt_of<Queries::last / HeadCount>, scoring, q, kv...);
  }
}
template <class S, class Q, class K, class V>
constexpr auto attention_of_heads(const S& scoring, const Q& q, const K& k, const V& v) {
  using Queries = typename Q::shape;
  using Keys = typename K::shape;
  if constexpr (Queries::rank != 3 || Keys::rank != 3) {
    return refuse<error_attention_of_heads_input_is_not_of_rank_3<Queries::rank != 3 ? Queries::rank : Keys::rank>>(
        q, k, v);
  } else if constexpr (Queries::last != Keys::last) {
    return refuse<error_attention_keys_have_another_width_than_the_queries<Queries::last, Keys::last>>(q, k, v);
  } else if constexpr (Queries::dims[0] != Keys::dims[0]) {
    return refuse<error_attention_columns_are_not_a_multiple_of_heads<Keys::dims[0], Queries::dims[0]>>(q, k, v);
  } else if constexpr (!std::is_same_v<typename V::shape, Keys>) {
    return refuse<error_attention_values_have_another_shape_than_the_keys<V::shape::size, Keys::size>>(q, k, v);
  } else {
    constexpr AttentionLayout layout = [] {
      constexpr std::size_t channels = Queries::last, queries = Queries::dims[1], keys = Keys::dims[1];
      AttentionLayout a;
      a.heads = Queries::dims[0], a.queries = queries, a.keys = keys, a.channels = channels;
      a.q = {0, 0, channels, queries * channels, Queries::size};
      a.k = {1, 0, channels, keys * channels, Keys::size};
      a.v = {2, 0, channels, keys * channels, Keys::size};
      a.bias = S::biased ? 3 : 0;
      a.causal = S::causal;
      return a;
    }();
    return scored_attention<layout>(rsqrt_of<Queries::last>, scoring, q, k, v);
  }
}
}  // namespace detail

// Self-attention: qkv [N, 3 C] with columns which * C + head * d + channel, as timm's -> [N, C].
template <std::size_t HeadCount, class X, class S = Scoring<>>
requires is_scoring<S>
constexpr auto attention(X&& qkv, const S& scoring = {}) {
  return detail::self_attention<HeadCount, detail::all_queries>(evaluate(static_cast<X&&>(qkv)), scoring);
}
// The first Queries rows of that alone, [N, 3 C] -> [Queries, C], with as much less work: what the class token takes
// from all tokens.
template <std::size_t HeadCount, std::size_t Queries, class X>
constexpr auto attention_of_first(X&& qkv) {
  return detail::self_attention<HeadCount, Queries>(evaluate(static_cast<X&&>(qkv)), Scoring<>{});
}
// Cross-attention: q [N, C] of the target, kv [M, 2 C] of the source, keys in front of values -> [N, C].
template <std::size_t HeadCount, class Q, class KV, class S = Scoring<>>
requires(is_scoring<S> && !is_scoring<std::remove_cvref_t<KV>>) constexpr auto attention(Q&& q, KV&& kv,
                                                                                         const S& scoring = {}) {
  return detail::cross_attention<HeadCount>(scoring, evaluate(static_cast<Q&&>(q)), evaluate(static_cast<KV&&>(kv)));
}
// q [N, C], k [M, C], v [M, C] -> [N, C].
template <std::size_t HeadCount, class Q, class K, class V, class S = Scoring<>>
requires(is_scoring<S> && !is_scoring<std::remove_cvref_t<V>>) constexpr auto attention(Q&& q, K&& k, V&& v,
                                                                                        const S& scoring = {}) {
  return detail::cross_attention<HeadCount>(scoring, evaluate(static_cast<Q&&>(q)), evaluate(static_cast<K&&>(k)),
                                            evaluate(static_cast<V&&>(v)));
}
// q [H, N, d], k [H, M, d], v [H, M, d] -> [N, H d]: the heads side by side, as after merge_heads.
template <class Q, class K, class V, class S = Scoring<>>
requires is_scoring<S>
constexpr auto attention(Q&& q, K&& k, V&& v, const S& scoring = {}) {
  return detail::attention_of_heads(scoring, evaluate(static_cast<Q&&>(q)), evaluate(static_cast<K&&>(k)),
                                    evaluate(static_cast<V&&>(v)));
}

}  // namespace vitrail::inline VITRAIL_TU
