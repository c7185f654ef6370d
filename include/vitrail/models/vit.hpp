// vit.hpp - the Vision Transformer (Dosovitskiy et al. 2021) with timm's architecture, names and initial values.
#pragma once

#include "../autodiff/recompute.hpp"
#include "../nn/block.hpp"
#include "../nn/stack.hpp"
#include "../ops/patch_embedding.hpp"
#include "../ops/tokens.hpp"
#include "classifier.hpp"
#include "pixel_statistics.hpp"

namespace vitrail::inline VITRAIL_TU {

// How the tokens become one vector: the class token after the last norm, or the mean of the others with the norm after
// it.
enum class pooling { token, mean };

struct ViTConfig {
  std::size_t image = 224, channels = 3, patch = 16, dim = 768, depth = 12, heads = 12, mlp = 3072;
  pooling pool = pooling::token;
  double dropout = 0, drop_path = 0;  // rates while training; drop path grows linearly from 0 in the first block
  bool recompute = false;             // each block runs again in backward instead of keeping its values
};

// A token is a patch, linearly projected. Weight [D, C, p, p] and bias as torch.nn.Conv2d has them, and its initial
// values.
template <std::size_t Channels, std::size_t Patch, std::size_t D, class P = cpu>
struct PatchEmbedding : Module<PatchEmbedding<Channels, Patch, D, P>> {
  using start = initial::uniform_fan_in<Channels * Patch * Patch>;
  Param<Shape<D, Channels, Patch, Patch>, P, site::patch, start> weight;
  Param<Shape<D>, P, site::bias_of<site::patch>, start> bias;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
  constexpr auto forward(const auto& image) const { return patch_embedding(image, weight, bias); }
};

// image [C, image, image] -> features [dim]: everything but the head.
template <ViTConfig C, class P = cpu>
struct ViTBackbone : Module<ViTBackbone<C, P>> {
  static_assert(C.image % C.patch == 0, "ViT: the image must be divisible by the patch");
  static_assert(C.dim % C.heads == 0, "ViT: dim must be divisible by heads");
  using policy = P;
  using input = Shape<C.channels, C.image, C.image>;
  static constexpr std::size_t patches = (C.image / C.patch) * (C.image / C.patch), features = C.dim;
  static constexpr PixelStatistics pixels = half_pixels;  // DeiT's weights have imagenet_pixels
  static constexpr bool drops = C.dropout > 0 || C.drop_path > 0;
  template <class Q>
  using block_with = Block<C.dim, C.heads, C.mlp, Q>;

  PatchEmbedding<C.channels, C.patch, C.dim, P> patch_embed;
  Param<Shape<1, 1, C.dim>, P, site::embedding, initial::normal<std::micro>> cls_token;
  Param<Shape<1, patches + 1, C.dim>, P, site::embedding, initial::normal<std::ratio<2, 100>>> pos_embed;
  Blocks<C.depth, block_with, P> blocks;
  LayerNorm<C.dim, P> norm;

  static constexpr void visit(auto& self, auto&& f) {
    f("patch_embed.proj", self.patch_embed);
    f("cls_token", self.cls_token);
    f("pos_embed", self.pos_embed);
    f("blocks", self.blocks);
    f(C.pool == pooling::mean ? "fc_norm" : "norm", self.norm);
  }
  constexpr auto forward(const auto& image) const {
    Var tokens = embed_tokens(patch_embed(image), cls_token, pos_embed);
    Var y = run_blocks(tokens);
    if constexpr (C.pool == pooling::mean) {
      return norm(mean_tokens(y, 1));
    } else {
      return first_token(norm(y));
    }
  }

 private:
  constexpr auto run_blocks(const auto& tokens) const {
    if constexpr (drops) {
      return blocks.each(dropout(tokens, C.dropout), [](const auto& block, std::size_t i, const auto& x) {
        const double last = C.depth > 1 ? static_cast<double>(C.depth - 1) : 1;
        return run(block, x, DropRates{C.dropout, C.drop_path * static_cast<double>(i) / last});
      });
    } else if constexpr (C.recompute) {
      return blocks.each(tokens, [](const auto& block, std::size_t, const auto& x) { return run(block, x); });
    } else {
      return blocks(tokens);
    }
  }
  static constexpr auto run(const auto& block, const auto& x, const auto&... rates) {
    if constexpr (C.recompute) {
      return recompute(block, x, rates...);
    } else {
      return block(x, rates...);
    }
  }
};

// The backbone with a head of `Classes`: image [C, image, image] -> logits [Classes].
template <ViTConfig C, std::size_t Classes, class P = cpu>
struct ViT : Classifier<ViTBackbone<C, P>, Classes> {
};  // no alias: nvcc cannot print a configuration that went through one

// The published variants, by timm's names: vit_tiny_patch16_224 is ViT_Ti16.
inline constexpr ViTConfig vit_tiny_patch16_224{.dim = 192, .heads = 3, .mlp = 768};
inline constexpr ViTConfig vit_small_patch32_224{.patch = 32, .dim = 384, .heads = 6, .mlp = 1536};
inline constexpr ViTConfig vit_small_patch16_224{.dim = 384, .heads = 6, .mlp = 1536};
inline constexpr ViTConfig vit_base_patch32_224{.patch = 32};
inline constexpr ViTConfig vit_base_patch16_224{};
inline constexpr ViTConfig vit_base_patch16_384{.image = 384};
inline constexpr ViTConfig vit_base_patch8_224{.patch = 8};
inline constexpr ViTConfig vit_large_patch32_224{.patch = 32, .dim = 1024, .depth = 24, .heads = 16, .mlp = 4096};
inline constexpr ViTConfig vit_large_patch16_224{.dim = 1024, .depth = 24, .heads = 16, .mlp = 4096};
inline constexpr ViTConfig vit_large_patch14_224{.patch = 14, .dim = 1024, .depth = 24, .heads = 16, .mlp = 4096};
inline constexpr ViTConfig vit_huge_patch14_224{.patch = 14, .dim = 1280, .depth = 32, .heads = 16, .mlp = 5120};

template <class P = cpu, std::size_t Classes = 1000>
using ViT_Ti16 = ViT<vit_tiny_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_S32 = ViT<vit_small_patch32_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_S16 = ViT<vit_small_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_B32 = ViT<vit_base_patch32_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_B16 = ViT<vit_base_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_B16_384 = ViT<vit_base_patch16_384, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_B8 = ViT<vit_base_patch8_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_L32 = ViT<vit_large_patch32_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_L16 = ViT<vit_large_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_L14 = ViT<vit_large_patch14_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using ViT_H14 = ViT<vit_huge_patch14_224, Classes, P>;

}  // namespace vitrail::inline VITRAIL_TU
