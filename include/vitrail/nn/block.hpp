// block.hpp - the pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)), with timm's names.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../ops/attention.hpp"
#include "../ops/concat.hpp"
#include "../ops/dropout.hpp"
#include "../ops/heads.hpp"
#include "../ops/slice.hpp"
#include "../ops/tokens.hpp"
#include "keys_only.hpp"
#include "layer_norm.hpp"
#include "linear.hpp"

namespace vitrail::inline VITRAIL_TU {

// What is dropped while training: single elements (dropout after proj, gelu and fc2) and whole residual branches (drop
// path).
struct DropRates {
  double dropout = 0, path = 0;
};

// What a block does beyond the plain one; what is off leaves nothing behind in its type's members and operations.
struct BlockOptions {
  // Only the first tokens come out, [N, D] -> [first, D]; 0: all. Keys and values are still those of all tokens, so the
  // rows are the same; queries, mlp and norm2 of the others, which nobody would read, are not computed.
  std::size_t first = 0;
  bool qk_norm = false;    // a norm over each head's queries and keys (Dehghani et al. 2023, "ViT-22B")
  double layer_scale = 0;  // each branch times a vector that starts so (Touvron et al. 2021, "CaiT"); 0: none
  double eps = 1e-6;       // of all norms
};

namespace detail {
// A context that looks at all tokens gets them.
template <class X, BlockOptions O>
constexpr std::size_t rows_kept() {
  if constexpr (requires { X::context::sees_all_tokens; }) {
    return X::shape::rows;
  } else {
    return O.first ? O.first : X::shape::rows;
  }
}
}  // namespace detail

// Self-attention: Q, K and V of all tokens from x. [N, D] -> [N, D], or of the first tokens; a residual of the result's
// shape is added on the way out.
template <std::size_t D, std::size_t Heads, class P = cpu, BlockOptions O = BlockOptions{}>
struct Attention : Module<Attention<D, Heads, P, O>> {
  using Norm = std::conditional_t<O.qk_norm, LayerNorm<D / Heads, P, O.eps>, Absent>;
  static constexpr std::size_t absent_members = O.qk_norm ? 0 : 2;
  Linear<D, 3 * D, P, site::qkv> qkv;
  Norm q_norm, k_norm;
  Linear<D, D, P, site::proj> proj;

  static constexpr void visit(auto& self, auto&& f) {
    f("qkv", self.qkv);
    if constexpr (O.qk_norm) {
      f("q_norm", self.q_norm);
      f("k_norm", self.k_norm);
    }
    f("proj", self.proj);
  }
  constexpr auto forward(const auto& x, const auto&... residual) const {
    return attended<detail::rows_kept<std::remove_cvref_t<decltype(x)>, O>()>(qkv(x), residual...);
  }
  template <class V>
  constexpr auto forward(const auto& x, const KeysOnly<V>& more, const auto&... residual) const {
    constexpr std::size_t rows = detail::rows_kept<std::remove_cvref_t<decltype(x)>, O>();
    return attended<rows>(concat<0>(qkv(x), qkv(more.tokens)), residual...);
  }

 private:
  template <std::size_t Rows, class QKV>
  constexpr auto attended(const QKV& fused, const auto&... residual) const {
    if constexpr (O.qk_norm) {
      const auto [q, k, v] = heads<Heads>(fused);
      return proj(attention(q_norm(first_queries<Rows>(q)), k_norm(k), v), residual...);
    } else if constexpr (Rows < QKV::shape::rows) {
      return proj(attention_of_first<Heads, Rows>(fused), residual...);
    } else {
      return proj(attention<Heads>(fused), residual...);
    }
  }
  template <std::size_t Rows, class Q>
  static constexpr auto first_queries(const Q& q) {
    if constexpr (Rows < Q::shape::dims[1]) {
      return slice<1, 0, Rows>(q);
    } else {
      return q;
    }
  }
};

// fc2(gelu(fc1(x))), point-wise over tokens. [.., D] -> [.., D].
template <std::size_t D, std::size_t Hidden, class P = cpu>
struct Mlp : Module<Mlp<D, Hidden, P>> {
  Linear<D, Hidden, P, site::fc1> fc1;
  Linear<Hidden, D, P, site::fc2> fc2;

  static constexpr void visit(auto& self, auto&& f) {
    f("fc1", self.fc1);
    f("fc2", self.fc2);
  }
  constexpr auto forward(const auto& x, const auto&... residual) const { return fc2(gelu(fc1(x)), residual...); }
  constexpr auto forward(const auto& x, const DropRates& rates) const {
    Var hidden = gelu(fc1(x));
    return dropout(fc2(dropout(hidden, rates.dropout)), rates.dropout);
  }
};

// x gamma, [.., D] -> [.., D]: a scale for each channel.
template <std::size_t D, double Start, class P = cpu>
struct LayerScale : Module<LayerScale<D, Start, P>> {
  Param<Shape<D>, P, site::scale, initial::constant<Start>> gamma;

  static constexpr void visit(auto& self, auto&& f) { f("gamma", self.gamma); }
  constexpr auto forward(const auto& x) const { return x * gamma; }
};

// What P's tuning adds to a transformer block. After attention and after the mlp a module makes y of y, beside the mlp
// it is called with the mlp's residual and result, and gives another result.
template <std::size_t D, class P>
struct BlockAdditions {
  using AfterAttention = typename P::tune::template added<D, P, place::after_attention>;
  using AfterMlp = typename P::tune::template added<D, P, place::after_mlp>;
  using BesideMlp = typename P::tune::template added<D, P, place::beside_mlp>;
  template <class Member>
  static constexpr bool is_there = !std::is_same_v<Member, Absent>;
  static constexpr bool after_attention = is_there<AfterAttention>, after_mlp = is_there<AfterMlp>;
  static constexpr std::size_t absent = !after_attention + !after_mlp + !is_there<BesideMlp>;

  static constexpr void visit(auto& block, auto&& f) {
    if constexpr (after_attention) f("attn_adapter", block.attn_adapter);
    if constexpr (after_mlp) f("mlp_adapter", block.mlp_adapter);
    if constexpr (is_there<BesideMlp>) f("adaptmlp", block.adaptmlp);
  }
  template <class Member, class Y>
  static constexpr auto after(const Member& member, Y&& y) {
    if constexpr (is_there<Member>) {
      return member(static_cast<Y&&>(y));
    } else {
      return static_cast<Y&&>(y);
    }
  }
  template <class Member, class Y>
  static constexpr auto beside(const Member& member, const auto& residual, Y&& y) {
    if constexpr (is_there<Member>) {
      return member(residual, static_cast<Y&&>(y));
    } else {
      return static_cast<Y&&>(y);
    }
  }
};

template <std::size_t D, std::size_t Heads, std::size_t Hidden, class P = cpu, BlockOptions O = BlockOptions{}>
struct Block : Module<Block<D, Heads, Hidden, P, O>> {
  static constexpr bool scaled = O.layer_scale != 0;
  using Scale = std::conditional_t<scaled, LayerScale<D, O.layer_scale, P>, Absent>;
  using Added = BlockAdditions<D, P>;
  static constexpr std::size_t absent_members = (scaled ? 0 : 2) + Added::absent;
  LayerNorm<D, P, O.eps> norm1;
  Attention<D, Heads, P, O> attn;
  Scale ls1;
  LayerNorm<D, P, O.eps> norm2;
  Mlp<D, Hidden, P> mlp;
  Scale ls2;
  typename Added::AfterAttention attn_adapter;
  typename Added::AfterMlp mlp_adapter;
  typename Added::BesideMlp adaptmlp;

  static constexpr void visit(auto& self, auto&& f) {
    f("norm1", self.norm1);
    f("attn", self.attn);
    if constexpr (scaled) f("ls1", self.ls1);
    f("norm2", self.norm2);
    f("mlp", self.mlp);
    if constexpr (scaled) f("ls2", self.ls2);
    Added::visit(self, f);
  }
  // x [N, D], and KeysOnly or nothing.
  constexpr auto forward(const auto& x, const auto&... keys) const {
    Var h = attended(kept_tokens(x), x, keys...);
    return Added::beside(adaptmlp, h, with_mlp(h));
  }
  constexpr auto forward(const auto& x, const DropRates& rates, const auto&... keys) const {
    const auto kept = kept_tokens(x);
    Var a = Added::after(attn_adapter, scale(dropout(attn(norm1(x), normalised(keys)...), rates.dropout), ls1));
    Var h = kept + drop_path(a, rates.path);
    Var y = Added::after(mlp_adapter, scale(mlp(norm2(h), rates), ls2));
    return Added::beside(adaptmlp, h, h + drop_path(y, rates.path));
  }

 private:
  template <class V>
  constexpr auto normalised(const KeysOnly<V>& keys) const {
    return KeysOnly{norm1(keys.tokens)};
  }
  // The residuals ride on the last product of each branch, or on the scale.
  constexpr auto attended(const auto& kept, const auto& x, const auto&... keys) const {
    if constexpr (Added::after_attention) {
      return kept + attn_adapter(scale(attn(norm1(x), normalised(keys)...), ls1));
    } else if constexpr (scaled) {
      return kept + attn(norm1(x), normalised(keys)...) * ls1.gamma;
    } else {
      return attn(norm1(x), normalised(keys)..., kept);
    }
  }
  constexpr auto with_mlp(const auto& h) const {
    if constexpr (Added::after_mlp) {
      return h + mlp_adapter(scale(mlp(norm2(h)), ls2));
    } else if constexpr (scaled) {
      return h + mlp(norm2(h)) * ls2.gamma;
    } else {
      return mlp(norm2(h), h);
    }
  }
  // Before everything else, so that its gradient is added to what the rest has written.
  template <class X>
  static constexpr auto kept_tokens(const X& x) {
    if constexpr (detail::rows_kept<X, O>() < X::shape::rows) {
      return first_tokens<detail::rows_kept<X, O>()>(x);
    } else {
      return x;
    }
  }
  static constexpr auto scale(const auto& branch, const auto& by) {
    if constexpr (scaled) {
      return by(branch);
    } else {
      return branch;
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU
