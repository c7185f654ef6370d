// peft_names.hpp - how the layers of a tuned ViT are called in adapters of Hugging Face's peft.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// The names of the model that peft wrapped: this library's own, which are timm's, for any model; those of
// ViTForImageClassification in transformers 5; and the ones it had before, in files of transformers 4.
enum class peft_names { own, transformers, transformers4 };

namespace detail {

struct PeftName {
  const char *own, *now, *before;
};
// Of a block, behind "blocks.3."; queries, keys and values are a third of qkv each.
inline constexpr std::array<PeftName, 8> peft_block_names{{
    {"attn.qkv.0", "attention.q_proj", "attention.attention.query"},
    {"attn.qkv.1", "attention.k_proj", "attention.attention.key"},
    {"attn.qkv.2", "attention.v_proj", "attention.attention.value"},
    {"attn.proj", "attention.o_proj", "attention.output.dense"},
    {"mlp.fc1", "mlp.fc1", "intermediate.dense"},
    {"mlp.fc2", "mlp.fc2", "output.dense"},
    {"norm1", "layernorm_before", "layernorm_before"},
    {"norm2", "layernorm_after", "layernorm_after"},
}};
inline constexpr std::array<PeftName, 3> peft_model_names{{
    {"head", "classifier", "classifier"},
    {"norm", "vit.layernorm", "vit.layernorm"},
    {"patch_embed.proj", "vit.embeddings.patch_embeddings.projection", "vit.embeddings.patch_embeddings.projection"},
}};

template <std::size_t N>
std::string find_peft_name(const std::array<PeftName, N>& names, std::string_view own, bool now) {
  for (const PeftName& name : names) {
    if (own == name.own) return now ? name.now : name.before;
  }
  return {};
}
// The name of a layer, "blocks.0.attn.proj"; a part of qkv has its number behind it. Empty if there is none.
inline std::string peft_name(std::string_view own, peft_names names) {
  if (names == peft_names::own) return std::string(own);
  const bool now = names == peft_names::transformers;
  constexpr std::string_view blocks = "blocks.";
  if (!own.starts_with(blocks)) return find_peft_name(peft_model_names, own, now);
  const std::size_t dot = own.find('.', blocks.size());
  if (dot == std::string_view::npos) return {};
  const std::string within = find_peft_name(peft_block_names, own.substr(dot + 1), now);
  if (within.empty()) return {};
  const std::string number(own.substr(blocks.size(), dot + 1 - blocks.size()));
  return (now ? "vit.layers." : "vit.encoder.layer.") + number + within;
}

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
