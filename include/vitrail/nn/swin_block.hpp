// swin_block.hpp - Swin's transformer blocks and the merging of patches between its stages, with timm's names.
#pragma once

#include "block.hpp"
#include "window_attention.hpp"

namespace vitrail::inline VITRAIL_TU {

inline constexpr double swin_eps = 1e-5;  // of all norms, in every library

// x + attention(norm(x)), then x + mlp(norm(x)), attention in the windows of M. [height * width, D] -> the same.
// Further keys are KeysOnly or nothing.
template <std::size_t D, std::size_t Heads, std::size_t Hidden, WindowedMap M, class P = cpu>
struct SwinBlock : Module<SwinBlock<D, Heads, Hidden, M, P>> {
  using Added = BlockAdditions<D, P>;
  static constexpr std::size_t absent_members = Added::absent;
  LayerNorm<D, P, swin_eps> norm1;
  WindowAttention<D, Heads, M, P> attn;
  LayerNorm<D, P, swin_eps> norm2;
  Mlp<D, Hidden, P> mlp;
  typename Added::AfterAttention attn_adapter;
  typename Added::AfterMlp mlp_adapter;
  typename Added::BesideMlp adaptmlp;

  static constexpr void visit(auto& self, auto&& f) {
    f("norm1", self.norm1);
    f("attn", self.attn);
    f("norm2", self.norm2);
    f("mlp", self.mlp);
    Added::visit(self, f);
  }
  constexpr auto forward(const auto& x, const auto&... keys) const {
    Var h = attended(x, keys...);
    return Added::beside(adaptmlp, h, with_mlp(h));
  }
  constexpr auto forward(const auto& x, const DropRates& rates, const auto&... keys) const {
    Var a = Added::after(attn_adapter, dropout(attn(norm1(x), normalised(keys)...), rates.dropout));
    Var h = x + drop_path(a, rates.path);
    Var y = Added::after(mlp_adapter, mlp(norm2(h), rates));
    return Added::beside(adaptmlp, h, h + drop_path(y, rates.path));
  }

 private:
  template <class V>
  constexpr auto normalised(const KeysOnly<V>& keys) const {
    return KeysOnly{norm1(keys.tokens)};
  }
  constexpr auto attended(const auto& x, const auto&... keys) const {
    if constexpr (Added::after_attention) {
      return x + attn_adapter(attn(norm1(x), normalised(keys)...));
    } else {
      return attn(norm1(x), normalised(keys)..., x);
    }
  }
  constexpr auto with_mlp(const auto& h) const {
    if constexpr (Added::after_mlp) {
      return h + mlp_adapter(mlp(norm2(h)));
    } else {
      return mlp(norm2(h), h);
    }
  }
};

// x + norm(attention(x)), then x + norm(mlp(x)): what a branch adds does not grow with depth. Norms start at zero, and
// blocks as the identity. A branch ends with its norm: what a tuning puts after it comes behind that.
template <std::size_t D, std::size_t Heads, std::size_t Hidden, WindowedMap M, class P = cpu>
struct SwinV2Block : Module<SwinV2Block<D, Heads, Hidden, M, P>> {
  using Added = BlockAdditions<D, P>;
  static constexpr std::size_t absent_members = Added::absent;
  CosineWindowAttention<D, Heads, M, P> attn;
  LayerNorm<D, P, swin_eps, initial::zeros> norm1;
  Mlp<D, Hidden, P> mlp;
  LayerNorm<D, P, swin_eps, initial::zeros> norm2;
  typename Added::AfterAttention attn_adapter;
  typename Added::AfterMlp mlp_adapter;
  typename Added::BesideMlp adaptmlp;

  static constexpr void visit(auto& self, auto&& f) {
    f("attn", self.attn);
    f("norm1", self.norm1);
    f("mlp", self.mlp);
    f("norm2", self.norm2);
    Added::visit(self, f);
  }
  constexpr auto forward(const auto& x, const auto&... keys) const {
    Var h = x + Added::after(attn_adapter, norm1(attn(x, keys...)));
    return Added::beside(adaptmlp, h, h + Added::after(mlp_adapter, norm2(mlp(h))));
  }
  constexpr auto forward(const auto& x, const DropRates& rates, const auto&... keys) const {
    Var h = x + drop_path(Added::after(attn_adapter, norm1(dropout(attn(x, keys...), rates.dropout))), rates.path);
    Var y = Added::after(mlp_adapter, norm2(mlp(h, rates)));
    return Added::beside(adaptmlp, h, h + drop_path(y, rates.path));
  }
};

// The four tokens of each 2 x 2, side by side: (0, 0), (1, 0), (0, 1), (1, 1) of (row, column), as published.
// [height * width, C] -> [ceil(height / 2) * ceil(width / 2), 4 C]; an odd map is padded with zeros.
template <std::size_t Height, std::size_t Width, class X>
constexpr auto merge_patches(const X& x) {
  constexpr std::size_t C = X::shape::last, odd_rows = Height % 2, odd_columns = Width % 2;
  Var map = reshape<Shape<Height, Width, C>>(x);
  const auto merged = [](const auto& even) {
    return rearrange<"(h p) (w q) c -> (h w) (q p c)", with{.p = 2, .q = 2}>(even);
  };
  if constexpr (odd_rows + odd_columns == 0) {
    return merged(map);
  } else {
    Var even = pad<0, 0, odd_rows>(pad<1, 0, odd_columns>(map));
    return merged(even);
  }
}

// Half the resolution, twice the channels: [height * width, C] -> [height / 2 * width / 2, 2 C], a linear layer without
// a bias on merged patches that are normalised before it, or in Swin v2 after it. Prompts in front of the map are
// merged with themselves, and stay as many.
template <std::size_t Height, std::size_t Width, std::size_t C, class P = cpu, bool NormAfter = false,
          std::size_t Prompts = 0>
struct PatchMerging : Module<PatchMerging<Height, Width, C, P, NormAfter, Prompts>> {
  LayerNorm<NormAfter ? 2 * C : 4 * C, P, swin_eps> norm;
  LinearWithoutBias<4 * C, 2 * C, P, site::merge> reduction;

  static constexpr void visit(auto& self, auto&& f) {
    f("norm", self.norm);
    f("reduction", self.reduction);
  }
  constexpr auto forward(const auto& x) const {
    Var merged = with_prompts(x);
    if constexpr (NormAfter) {
      return norm(reduction(merged));
    } else {
      return reduction(norm(merged));
    }
  }

 private:
  template <class X>
  static constexpr auto with_prompts(const X& x) {
    if constexpr (Prompts > 0) {
      constexpr with four{.r = 4};
      return concat<0>(repeat<"p c -> p (r c)", four>(slice<0, 0, Prompts>(x)),
                       merge_patches<Height, Width>(evaluate(slice<0, Prompts, X::shape::rows>(x))));
    } else {
      return merge_patches<Height, Width>(x);
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU
