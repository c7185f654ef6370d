// key_map.hpp - the names under which other libraries keep the tensors of ViT, DeiT and Swin, as rules that lead to
// timm's names, which are vitrail's own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// Group `index` of `count` equal groups of rows (of the first axis): {1, 3} are the keys' rows of a fused qkv weight.
struct RowGroup {
  std::size_t index = 0, count = 1;
  bool operator==(const RowGroup&) const = default;
};

// A name of the file and the parameter that it is. In `tensor`, # stands for a number and a final * for any rest. In
// `parameter`, the numbers come in order, each as #, as + (one more) or as / (half of it, rounded down), and * is the
// rest; without a name the tensor is left out. `when`: only in a file one of whose names contains this text.
struct KeyRule {
  const char* tensor;
  const char* parameter;
  RowGroup from = {}, to = {};
  const char* when = "";
};
// The first rule that fits a name counts, after one of the prefixes was taken off; one that takes a group of the rows
// leaves the others to the rules below it. Without rules names are timm's.
struct KeyMap {
  const char* name;
  std::span<const KeyRule> rules = {};
  std::span<const char* const> prefixes = {};
};

// The rows of a file's tensor that are rows of a parameter.
struct KeyPiece {
  std::string tensor, parameter;  // no parameter: left out if `known`, else no rule fits
  RowGroup from, to;
  bool known = true;
};

namespace detail {

// The numbers and the rest of a name that fits a rule.
struct KeyMatch {
  std::array<std::size_t, 4> numbers{};
  std::string_view rest;
};
inline bool match_key(std::string_view pattern, std::string_view name, KeyMatch& match) {
  std::size_t at = 0, count = 0;
  for (const char c : pattern) {
    if (c == '*') {
      match.rest = name.substr(at);
      return true;
    }
    if (c != '#') {
      if (at == name.size() || name[at] != c) return false;
      ++at;
      continue;
    }
    const std::size_t begin = at;
    std::size_t value = 0;
    for (; at < name.size() && name[at] >= '0' && name[at] <= '9' && at - begin < 6; ++at)
      value = 10 * value + static_cast<std::size_t>(name[at] - '0');
    if (at == begin || count == match.numbers.size()) return false;
    match.numbers[count++] = value;
  }
  return at == name.size();
}
inline std::string expand_key(std::string_view parameter, const KeyMatch& match) {
  std::string text;
  std::size_t next = 0;
  for (const char c : parameter) {
    if (c == '#') {
      text += std::to_string(match.numbers[next++]);
    } else if (c == '+') {
      text += std::to_string(match.numbers[next++] + 1);
    } else if (c == '/') {
      text += std::to_string(match.numbers[next++] / 2);
    } else if (c == '*') {
      text += match.rest;
    } else {
      text += c;
    }
  }
  return text;
}
// Index tables and masks that follow from the configuration: older files hold them beside the parameters.
inline bool is_derived_buffer(std::string_view name) {
  return name.ends_with("relative_position_index") || name.ends_with("relative_coords_table") ||
         name.ends_with("attn_mask");
}

inline constexpr RowGroup query_rows{0, 3}, key_rows{1, 3}, value_rows{2, 3};

inline constexpr KeyRule torchvision_rules[] = {
    // ViT; linear_1 and linear_2 are the names before torchvision 0.12
    {"class_token", "cls_token"},
    {"conv_proj.*", "patch_embed.proj.*"},
    {"encoder.pos_embedding", "pos_embed"},
    {"encoder.layers.encoder_layer_#.ln_#.*", "blocks.#.norm#.*"},
    {"encoder.layers.encoder_layer_#.self_attention.in_proj_*", "blocks.#.attn.qkv.*"},
    {"encoder.layers.encoder_layer_#.self_attention.out_proj.*", "blocks.#.attn.proj.*"},
    {"encoder.layers.encoder_layer_#.mlp.0.*", "blocks.#.mlp.fc1.*"},
    {"encoder.layers.encoder_layer_#.mlp.3.*", "blocks.#.mlp.fc2.*"},
    {"encoder.layers.encoder_layer_#.mlp.linear_#.*", "blocks.#.mlp.fc#.*"},
    {"encoder.ln.*", "norm.*"},
    {"heads.head.*", "head.*"},
    // Swin: stages are features 1, 3, 5, 7, and what leads to them 2, 4, 6
    {"features.0.0.*", "patch_embed.proj.*"},
    {"features.0.2.*", "patch_embed.norm.*"},
    // Version 2 keeps a bias of the keys but sets it to zero in forward, so it is none.
    {"features.#.#.attn.qkv.bias", "layers./.blocks.#.attn.q_bias", query_rows, {}, "logit_scale"},
    {"features.#.#.attn.qkv.bias", "layers./.blocks.#.attn.v_bias", value_rows, {}, "logit_scale"},
    {"features.#.#.attn.*", "layers./.blocks.#.attn.*"},
    {"features.#.#.norm#.*", "layers./.blocks.#.norm#.*"},
    {"features.#.#.mlp.0.*", "layers./.blocks.#.mlp.fc1.*"},
    {"features.#.#.mlp.3.*", "layers./.blocks.#.mlp.fc2.*"},
    {"features.#.reduction.*", "layers./.downsample.reduction.*"},
    {"features.#.norm.*", "layers./.downsample.norm.*"},
    {"norm.*", "norm.*"},
    {"head.*", "head.fc.*"},
};

// Twice each: as save_pretrained writes them, and as transformers 5 has them in memory (and peft in adapters).
inline constexpr KeyRule hf_rules[] = {
    // both families
    {"embeddings.patch_embeddings.projection.*", "patch_embed.proj.*"},
    {"layernorm.*", "norm.*"},
    {"classifier.*", "head.fc.*", {}, {}, ".blocks."},
    {"classifier.*", "head.*"},
    {"pooler.*", ""},  // of bare models; the classifiers do not have it
    // ViT and DeiT
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.distillation_token", "dist_token"},
    {"embeddings.mask_token", ""},
    {"embeddings.position_embeddings", "pos_embed"},
    {"encoder.layer.#.layernorm_before.*", "blocks.#.norm1.*"},
    {"encoder.layer.#.layernorm_after.*", "blocks.#.norm2.*"},
    {"encoder.layer.#.attention.attention.query.*", "blocks.#.attn.qkv.*", {}, query_rows},
    {"encoder.layer.#.attention.attention.key.*", "blocks.#.attn.qkv.*", {}, key_rows},
    {"encoder.layer.#.attention.attention.value.*", "blocks.#.attn.qkv.*", {}, value_rows},
    {"encoder.layer.#.attention.output.dense.*", "blocks.#.attn.proj.*"},
    {"encoder.layer.#.intermediate.dense.*", "blocks.#.mlp.fc1.*"},
    {"encoder.layer.#.output.dense.*", "blocks.#.mlp.fc2.*"},
    {"layers.#.layernorm_before.*", "blocks.#.norm1.*"},
    {"layers.#.layernorm_after.*", "blocks.#.norm2.*"},
    {"layers.#.attention.q_proj.*", "blocks.#.attn.qkv.*", {}, query_rows},
    {"layers.#.attention.k_proj.*", "blocks.#.attn.qkv.*", {}, key_rows},
    {"layers.#.attention.v_proj.*", "blocks.#.attn.qkv.*", {}, value_rows},
    {"layers.#.attention.o_proj.*", "blocks.#.attn.proj.*"},
    {"layers.#.mlp.*", "blocks.#.mlp.*"},
    {"cls_classifier.*", "head.*"},
    {"distillation_classifier.*", "head_dist.*"},
    // Swin; version 2 has a logit_scale, and no bias of the keys
    {"embeddings.norm.*", "patch_embed.norm.*"},
    {"encoder.layers.#.downsample.*", "layers.+.downsample.*"},
    {"encoder.layers.#.blocks.#.layernorm_before.*", "layers.#.blocks.#.norm1.*"},
    {"encoder.layers.#.blocks.#.layernorm_after.*", "layers.#.blocks.#.norm2.*"},
    {"encoder.layers.#.blocks.#.attention.self.query.bias",
     "layers.#.blocks.#.attn.q_bias",
     {},
     {},
     ".attention.self.logit_scale"},
    {"encoder.layers.#.blocks.#.attention.self.value.bias",
     "layers.#.blocks.#.attn.v_bias",
     {},
     {},
     ".attention.self.logit_scale"},
    {"encoder.layers.#.blocks.#.attention.self.query.*", "layers.#.blocks.#.attn.qkv.*", {}, query_rows},
    {"encoder.layers.#.blocks.#.attention.self.key.*", "layers.#.blocks.#.attn.qkv.*", {}, key_rows},
    {"encoder.layers.#.blocks.#.attention.self.value.*", "layers.#.blocks.#.attn.qkv.*", {}, value_rows},
    {"encoder.layers.#.blocks.#.attention.self.continuous_position_bias_mlp.*", "layers.#.blocks.#.attn.cpb_mlp.*"},
    {"encoder.layers.#.blocks.#.attention.self.*", "layers.#.blocks.#.attn.*"},
    {"encoder.layers.#.blocks.#.attention.output.dense.*", "layers.#.blocks.#.attn.proj.*"},
    {"encoder.layers.#.blocks.#.intermediate.dense.*", "layers.#.blocks.#.mlp.fc1.*"},
    {"encoder.layers.#.blocks.#.output.dense.*", "layers.#.blocks.#.mlp.fc2.*"},
    {"encoder.layers.#.blocks.#.attention.q_proj.*", "layers.#.blocks.#.attn.qkv.*", {}, query_rows},
    {"encoder.layers.#.blocks.#.attention.k_proj.*", "layers.#.blocks.#.attn.qkv.*", {}, key_rows},
    {"encoder.layers.#.blocks.#.attention.v_proj.*", "layers.#.blocks.#.attn.qkv.*", {}, value_rows},
    {"encoder.layers.#.blocks.#.attention.o_proj.*", "layers.#.blocks.#.attn.proj.*"},
    {"encoder.layers.#.blocks.#.attention.relative_position_bias.*", "layers.#.blocks.#.attn.*"},
    {"encoder.layers.#.blocks.#.mlp.*", "layers.#.blocks.#.mlp.*"},
};
inline constexpr const char* hf_prefixes[] = {"vit.", "deit.", "swinv2.", "swin."};

// The file has what leads to the next stage at the end of a stage, timm at the start of the next.
inline constexpr KeyRule microsoft_swin_rules[] = {
    {"layers.#.downsample.*", "layers.+.downsample.*"},
    {"head.*", "head.fc.*"},
    {"*", "*"},
};

}  // namespace detail

// timm's names, in which save_checkpoint writes.
inline constexpr KeyMap timm{"timm"};
// torchvision's VisionTransformer and SwinTransformer, both versions.
inline constexpr KeyMap torchvision{"torchvision", detail::torchvision_rules};
// Hugging Face transformers' ViT, DeiT with the teacher's head, Swin and Swin v2 for image classification.
inline constexpr KeyMap hf{"hf", detail::hf_rules, detail::hf_prefixes};
// The original Swin repository, both versions, and timm's files before its version 0.9.
inline constexpr KeyMap microsoft_swin{"microsoft_swin", detail::microsoft_swin_rules};

// What the tensors of a file are, by their names alone; in the order of the names.
inline std::vector<KeyPiece> map_keys(const KeyMap& map, std::span<const std::string> names) {
  std::vector<bool> active;
  for (const KeyRule& rule : map.rules) {
    bool found = *rule.when == '\0';
    for (const std::string& name : names) found = found || name.find(rule.when) != std::string::npos;
    active.push_back(found);
  }
  std::vector<KeyPiece> pieces;
  for (const std::string& full : names) {
    if (detail::is_derived_buffer(full) || map.rules.empty()) {
      pieces.push_back({full, map.rules.empty() && !detail::is_derived_buffer(full) ? full : "", {}, {}});
      continue;
    }
    std::string_view name = full;
    for (const std::string_view prefix : map.prefixes) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      break;
    }
    bool fits = false;
    for (std::size_t i = 0; i < map.rules.size(); ++i) {
      const KeyRule& rule = map.rules[i];
      detail::KeyMatch match;
      if (!active[i] || !detail::match_key(rule.tensor, name, match)) continue;
      if (fits && rule.from.count == 1) break;
      fits = true;
      pieces.push_back({full, detail::expand_key(rule.parameter, match), rule.from, rule.to});
      if (rule.from.count == 1) break;
    }
    if (!fits) pieces.push_back({full, "", {}, {}, false});
  }
  return pieces;
}

}  // namespace vitrail::inline VITRAIL_TU
