// vit.hpp - the Vision Transformer (Dosovitskiy et al. 2021) with timm's architecture, names and initial values.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

#include "../nn/attention_pool.hpp"
#include "../nn/block.hpp"
#include "../nn/patch_embedding.hpp"
#include "../nn/run_block.hpp"
#include "../nn/stack.hpp"
#include "../ops/concat.hpp"
#include "../ops/tokens.hpp"
#include "classifier.hpp"
#include "pixel_statistics.hpp"
#include "vit_config.hpp"

namespace vitrail::inline VITRAIL_TU {

// image [C, image, image] -> features [dim]: everything but the head. Distilled: [2, dim], class and distilled token.
template <ViTConfig C, class P = cpu>
struct ViTBackbone : Module<ViTBackbone<C, P>> {
  static_assert(C.image % C.patch == 0, "ViT: the image must be divisible by the patch");
  static_assert(C.dim % C.heads == 0, "ViT: dim must be divisible by heads");
  static_assert(C.class_token || C.pool != pooling::token, "ViT: pooling the class token needs a class token");
  static_assert(!C.distilled || (C.class_token && C.pool == pooling::token && C.norm == norm_place::as_pooled &&
                                 C.reg_tokens == 0 && !C.no_embed_class),
                "ViT: the two heads of a distilled one read the class and the distilled token; as in timm it has no "
                "registers, and all tokens have positions");
  using policy = P;
  using input = Shape<C.channels, C.image, C.image>;
  template <class Q>
  using rebind = ViTBackbone<C, Q>;
  static constexpr std::size_t patches = (C.image / C.patch) * (C.image / C.patch), features = C.dim;
  static constexpr std::size_t prefix = C.prefix(), positions = patches + (C.no_embed_class ? 0 : prefix);
  static constexpr BlockRunning running{C.depth, C.dropout, C.drop_path, C.recompute};
  static constexpr bool pools = C.pool == pooling::attention;
  static constexpr bool normalises = C.last_norm() != norm_place::nowhere;
  // What a tuning puts in front of the blocks. It may have tokens that go with the others from there, behind class
  // token and registers, or keys for each block (KeysOnly).
  using Prompts = typename P::tune::template added<C.dim, P, place::tokens<C.channels * C.patch * C.patch, C.depth>>;
  static constexpr bool prompted = !std::is_same_v<Prompts, Absent>;
  static constexpr std::size_t prompts = tokens_in_sequence<Prompts>();
  static constexpr bool gives_keys = prompted && prompts == 0;
  static constexpr std::size_t absent_members =
      !C.class_token + !C.distilled + !C.reg_tokens + !C.pre_norm + !normalises + !pools + !prompted;
  static constexpr PixelStatistics pixels = C.distilled ? imagenet_pixels : half_pixels;  // all DeiT's: imagenet_pixels
  template <class Q>
  using block_with = Block<C.dim, C.heads, C.mlp, Q, C.block(false)>;
  template <class Q>
  using last_block_with = Block<C.dim, C.heads, C.mlp, Q, C.block(true)>;
  template <bool There, class Member>
  using If = std::conditional_t<There, Member, Absent>;
  template <std::size_t Count, class Start>
  using Tokens = If<(Count > 0), Param<Shape<1, Count, C.dim>, P, site::embedding, Start>>;
  using tiny = initial::normal<std::micro>;
  using small = initial::normal<std::ratio<2, 100>>;

  std::conditional_t<C.pre_norm, UnbiasedPatchEmbedding<C.channels, C.patch, C.dim, P>,
                     PatchEmbedding<C.channels, C.patch, C.dim, P>>
      patch_embed;
  Tokens<C.class_token, tiny> cls_token;
  Tokens<C.distilled, small> dist_token;
  Tokens<C.reg_tokens, tiny> reg_token;
  Param<Shape<1, positions, C.dim>, P, site::embedding, small> pos_embed;
  If<C.pre_norm, LayerNorm<C.dim, P, C.eps>> norm_pre;
  Blocks<C.depth, block_with, P, last_block_with> blocks;
  If<normalises, LayerNorm<C.dim, P, C.eps>> norm;
  If<pools, AttentionPool<C.dim, C.heads, C.mlp, P, C.eps>> attn_pool;
  Prompts prompt;

  static constexpr void visit(auto& self, auto&& f) {
    f("patch_embed.proj", self.patch_embed);
    if constexpr (C.class_token) f("cls_token", self.cls_token);
    if constexpr (C.distilled) f("dist_token", self.dist_token);
    if constexpr (C.reg_tokens > 0) f("reg_token", self.reg_token);
    f("pos_embed", self.pos_embed);
    if constexpr (C.pre_norm) f("norm_pre", self.norm_pre);
    f("blocks", self.blocks);
    if constexpr (normalises) f(C.last_norm() == norm_place::after ? "fc_norm" : "norm", self.norm);
    if constexpr (pools) f("attn_pool", self.attn_pool);
    if constexpr (prompted) f("", self.prompt);
  }
  constexpr auto forward(const auto& image) const { return pool(run_blocks(embed(image))); }

  // image -> tokens [prefix + patches, dim] with their positions. Dropout and pre_norm come behind it.
  constexpr auto embed(const auto& image) const {
    Var x = patch_embed(image);
    if constexpr (C.class_token && prefix == 1 && !C.no_embed_class) {
      return embed_tokens(x, cls_token, pos_embed);
    } else {
      const auto position = detail::as_shape<Shape<positions, C.dim>>(pos_embed);
      if constexpr (C.no_embed_class) {
        Var y = x + position;
        return with_prefix(y);
      } else {
        return evaluate(with_prefix(x) + position);
      }
    }
  }
  // tokens -> features.
  constexpr auto pool(const auto& tokens) const {
    constexpr bool before = C.last_norm() == norm_place::before, after = C.last_norm() == norm_place::after;
    if constexpr (C.pool == pooling::token) {  // norm is by row: the others' rows are not needed
      Var y = normalised<normalises>(first_rows<C.pooled()>(tokens));
      if constexpr (C.distilled) {
        return y;
      } else {
        return reshape<Shape<C.dim>>(y);
      }
    } else if constexpr (C.pool == pooling::mean) {
      return normalised<after>(mean_tokens(normalised<before>(tokens), prefix + prompts));
    } else {
      Var y = normalised<before>(tokens);
      return normalised<after>(attn_pool(patches_of(y)));
    }
  }

 private:
  template <bool Is>
  constexpr auto normalised(const auto& x) const {
    if constexpr (Is) {
      return norm(x);
    } else {
      return x;
    }
  }
  // Class, distilled and register tokens, then x.
  template <class X>
  constexpr auto with_prefix(const X& x) const {
    if constexpr (prefix == 0) {
      return x;
    } else {
      return std::apply([&x](const auto&... token) { return concat<0>(token..., x); },
                        std::tuple_cat(rows_of(cls_token), rows_of(dist_token), rows_of(reg_token)));
    }
  }
  template <class Token>
  static constexpr auto rows_of(const Token& token) {
    if constexpr (is_parameter<Token>) {
      return std::tuple(detail::as_shape<Shape<Token::shape::rows, C.dim>>(token));
    } else {
      return std::tuple<>();
    }
  }
  template <std::size_t First, class Y>
  static constexpr auto first_rows(const Y& y) {
    if constexpr (Y::shape::rows > First) {
      return first_tokens<First>(y);
    } else {
      return y;
    }
  }
  template <class Y>
  static constexpr auto patches_of(const Y& y) {
    if constexpr (prefix + prompts > 0) {
      return slice<0, prefix + prompts, prefix + prompts + patches>(y);
    } else {
      return y;
    }
  }
  constexpr auto run_blocks(const auto& tokens) const {
    if constexpr (running.drops() || C.recompute || gives_keys) {
      return blocks.each(with_prompts(start(tokens)),
                         [this](const auto& block, auto i, const auto& x) { return this->run(block, i, x); });
    } else {
      return blocks(with_prompts(start(tokens)));
    }
  }
  constexpr auto start(const auto& tokens) const {
    if constexpr (C.pre_norm) {
      return norm_pre(dropped(tokens));
    } else {
      return dropped(tokens);
    }
  }
  static constexpr auto dropped(const auto& tokens) {
    if constexpr (running.drops()) {
      return dropout(tokens, running.dropout);
    } else {
      return tokens;
    }
  }
  template <class X>
  constexpr auto with_prompts(const X& x) const {
    if constexpr (prompts == 0) {
      return x;
    } else if constexpr (prefix == 0) {
      return concat<0>(prompt.tokens(x), x);
    } else {
      return concat<0>(slice<0, 0, prefix>(x), prompt.tokens(x), slice<0, prefix, X::shape::rows>(x));
    }
  }
  template <std::size_t I>
  constexpr auto run(const auto& block, std::integral_constant<std::size_t, I>, const auto& x) const {
    if constexpr (gives_keys) {
      return run_block<running>(block, I, x, prompt.template keys<I>(x));
    } else {
      return run_block<running>(block, I, x);
    }
  }
};

// The backbone with a head of `Classes`: image [C, image, image] -> logits [Classes]; with two if it is distilled.
template <ViTConfig C, std::size_t Classes, class P = cpu>
struct ViT : std::conditional_t<C.distilled, DistilledClassifier<ViTBackbone<C, P>, Classes>,
                                Classifier<ViTBackbone<C, P>, Classes>> {
  template <class Q, std::size_t N = Classes>
  using rebind = ViT<C, N, Q>;
};  // no alias: nvcc cannot print a configuration that went through one

// The published variants.
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
template <class P = cpu, std::size_t Classes = 1000>
using DeiT_Ti16 = ViT<vit_tiny_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using DeiT_S16 = ViT<vit_small_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using DeiT_B16 = ViT<vit_base_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using DeiT_Ti16_distilled = ViT<deit_tiny_distilled_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using DeiT_S16_distilled = ViT<deit_small_distilled_patch16_224, Classes, P>;
template <class P = cpu, std::size_t Classes = 1000>
using DeiT_B16_distilled = ViT<deit_base_distilled_patch16_224, Classes, P>;

}  // namespace vitrail::inline VITRAIL_TU
