// vit_config.hpp - the options of a ViT, and those of the published ones.
#pragma once

#include <cstddef>

#include "../nn/block.hpp"

namespace vitrail::inline VITRAIL_TU {

// How the tokens become one vector: the class token; the mean of the patches' tokens; or attention of one learned query
// to them (timm's "token", "avg" and "map").
enum class pooling { token, mean, attention };
// Where the last norm stands: before pooling, under the name norm; after it, fc_norm; or nowhere. As pooled: after a
// mean, else before (timm's final_norm and fc_norm).
enum class norm_place { as_pooled, before, after, nowhere };

// Options and their meaning are timm's. What is off is not in the model's type.
struct ViTConfig {
  std::size_t image = 224, channels = 3, patch = 16, dim = 768, depth = 12, heads = 12, mlp = 3072;
  pooling pool = pooling::token;
  double dropout = 0, drop_path = 0;  // rates while training; drop path grows linearly from 0 in the first block
  bool recompute = false;             // each block runs again in backward instead of keeping its values
  bool class_token = true;
  bool distilled = false;       // a second token and a second head (DistilledClassifier)
  std::size_t reg_tokens = 0;   // registers (Darcet et al. 2024, "Vision Transformers Need Registers")
  bool no_embed_class = false;  // only patches have positions
  bool qk_norm = false;
  double init_values = 0;  // where layer scale starts; 0: there is none
  bool pre_norm = false;   // a norm before the blocks, and no bias in the patch embedding
  norm_place norm = norm_place::as_pooled;
  double eps = 1e-6;  // of all norms
  // With the class token pooled, nobody reads what the last block makes of the other tokens, so it computes the class
  // token (and the distilled one) alone: 6 % of ViT-B/16's multiply-adds less, an eighth of a model of depth 6. On: it
  // computes all of them.
  bool whole_last_block = false;

  // Tokens in front of the patches', and how many of the first ones are pooled.
  constexpr std::size_t prefix() const { return std::size_t(class_token) + std::size_t(distilled) + reg_tokens; }
  constexpr std::size_t pooled() const { return distilled ? 2 : 1; }
  constexpr norm_place last_norm() const {
    if (norm != norm_place::as_pooled) return norm;
    return pool == pooling::mean ? norm_place::after : norm_place::before;
  }
  // Of a block; `last` of the last one.
  constexpr BlockOptions block(bool last) const {
    const bool pooled_alone = last && pool == pooling::token && !whole_last_block;
    return {.first = pooled_alone ? pooled() : 0, .qk_norm = qk_norm, .layer_scale = init_values, .eps = eps};
  }
  // `vt::ViT<vt::vit_base_patch16_224.with_eps(vt::hf_eps), 1000>` computes what Hugging Face's ViT does.
  constexpr ViTConfig with_eps(double other) const {
    ViTConfig config = *this;
    config.eps = other;
    return config;
  }
};

inline constexpr double hf_eps = 1e-12;  // of the norms of Hugging Face's ViT and DeiT

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
// DeiT is a ViT that was trained in another way, unless it is distilled.
inline constexpr ViTConfig deit_tiny_distilled_patch16_224{.dim = 192, .heads = 3, .mlp = 768, .distilled = true};
inline constexpr ViTConfig deit_small_distilled_patch16_224{.dim = 384, .heads = 6, .mlp = 1536, .distilled = true};
inline constexpr ViTConfig deit_base_distilled_patch16_224{.distilled = true};

}  // namespace vitrail::inline VITRAIL_TU
