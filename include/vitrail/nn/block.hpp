// block.hpp - the pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)), with timm's names.
#pragma once

#include "../ops/attention.hpp"
#include "../ops/dropout.hpp"
#include "layer_norm.hpp"
#include "linear.hpp"

namespace vitrail::inline VITRAIL_TU {

// What is dropped while training: single elements (dropout after proj, gelu and fc2) and whole residual branches (drop
// path).
struct DropRates {
  double dropout = 0, path = 0;
};

// Self-attention: Q, K and V of all tokens from x. [N, D] -> [N, D]; a residual is added on the way out.
template <std::size_t D, std::size_t Heads, class P = cpu>
struct Attention : Module<Attention<D, Heads, P>> {
  Linear<D, 3 * D, P, site::qkv> qkv;
  Linear<D, D, P, site::proj> proj;

  static constexpr void visit(auto& self, auto&& f) {
    f("qkv", self.qkv);
    f("proj", self.proj);
  }
  constexpr auto forward(const auto& x, const auto&... residual) const {
    return proj(attention<Heads>(qkv(x)), residual...);
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

template <std::size_t D, std::size_t Heads, std::size_t Hidden, class P = cpu>
struct Block : Module<Block<D, Heads, Hidden, P>> {
  LayerNorm<D, P> norm1;
  Attention<D, Heads, P> attn;
  LayerNorm<D, P> norm2;
  Mlp<D, Hidden, P> mlp;

  static constexpr void visit(auto& self, auto&& f) {
    f("norm1", self.norm1);
    f("attn", self.attn);
    f("norm2", self.norm2);
    f("mlp", self.mlp);
  }
  // The residuals ride on the last product of each branch.
  constexpr auto forward(const auto& x) const {
    Var h = attn(norm1(x), x);
    return mlp(norm2(h), h);
  }
  constexpr auto forward(const auto& x, const DropRates& rates) const {
    Var h = x + drop_path(dropout(attn(norm1(x)), rates.dropout), rates.path);
    return h + drop_path(mlp(norm2(h), rates), rates.path);
  }
};

}  // namespace vitrail::inline VITRAIL_TU
