// cross_attention.hpp - attention between sequences, and the decoder block that has it.
#pragma once

#include "block.hpp"

namespace vitrail::inline VITRAIL_TU {

// Cross-attention: Q from the target x [N, D], K and V from the source [M, Source]; lengths and widths may differ.
// -> [N, D]; a residual is added on the way out. One product gives keys and values, as they come from one sequence.
template <std::size_t D, std::size_t Source, std::size_t Heads, class P = cpu>
struct CrossAttention : Module<CrossAttention<D, Source, Heads, P>> {
  Linear<D, D, P, site::q> q;
  Linear<Source, 2 * D, P, site::kv> kv;
  Linear<D, D, P, site::proj> proj;

  static constexpr void visit(auto& self, auto&& f) {
    f("q", self.q);
    f("kv", self.kv);
    f("proj", self.proj);
  }
  constexpr auto forward(const auto& x, const auto& source, const auto&... residual) const {
    return proj(attention<Heads>(q(x), kv(source)), residual...);
  }
};

// Self-attention in which a token sees itself and those before it. [N, D] -> [N, D].
template <std::size_t D, std::size_t Heads, class P = cpu>
struct CausalAttention : Module<CausalAttention<D, Heads, P>> {
  Linear<D, 3 * D, P, site::qkv> qkv;
  Linear<D, D, P, site::proj> proj;

  static constexpr void visit(auto& self, auto&& f) {
    f("qkv", self.qkv);
    f("proj", self.proj);
  }
  constexpr auto forward(const auto& x, const auto&... residual) const {
    return proj(attention<Heads>(qkv(x), causal), residual...);
  }
};

// Causal self-attention, cross-attention to a source, and an MLP, each with its norm before and a residual round it
// (Vaswani et al. 2017, with norms in front as in Xiong et al. 2020). x [N, D], source [M, Source] -> [N, D].
template <std::size_t D, std::size_t Source, std::size_t Heads, std::size_t Hidden, class P = cpu>
struct DecoderBlock : Module<DecoderBlock<D, Source, Heads, Hidden, P>> {
  LayerNorm<D, P> norm1;
  CausalAttention<D, Heads, P> self_attn;
  LayerNorm<D, P> norm2;
  CrossAttention<D, Source, Heads, P> cross_attn;
  LayerNorm<D, P> norm3;
  Mlp<D, Hidden, P> mlp;

  static constexpr void visit(auto& self, auto&& f) {
    f("norm1", self.norm1);
    f("self_attn", self.self_attn);
    f("norm2", self.norm2);
    f("cross_attn", self.cross_attn);
    f("norm3", self.norm3);
    f("mlp", self.mlp);
  }
  constexpr auto forward(const auto& x, const auto& source) const {
    Var own = self_attn(norm1(x), x);
    Var seen = cross_attn(norm2(own), source, own);
    return mlp(norm3(seen), seen);
  }
};

}  // namespace vitrail::inline VITRAIL_TU
