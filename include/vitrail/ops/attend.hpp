// attend.hpp - attention on separate queries, keys and values, from products and a softmax.
#pragma once

#include <cstddef>

#include "../expr/expression.hpp"
#include "einsum.hpp"
#include "heads.hpp"
#include "softmax.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Tells a context that looks on (inspect/look_inside.hpp) that these are the probabilities of an attention, [H, queries,
// keys]. Elsewhere nothing.
template <class V>
constexpr void show_attention(const V& probabilities) {
  if constexpr (requires { probabilities.ctx->see_attention(probabilities); }) {
    probabilities.ctx->see_attention(probabilities);
  }
}

// q [H, M, d], k and v [H, N, d] -> [M, H d].
template <class Q, class K, class V>
constexpr auto attend(const Q& q, const K& k, const V& v) {
  Var scores = einsum<"h q d, h k d -> h q k">(q, k);
  Var p = softmax(scores * rsqrt_of<Q::shape::last>);
  show_attention(p);
  Var out = einsum<"h q k, h k d -> h q d">(p, v);
  return merge_heads(out);
}

}  // namespace vitrail::inline VITRAIL_TU::detail
