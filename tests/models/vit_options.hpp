// vit_options.hpp - the ViTs of fixtures/make_vit_options.py, and the loss of one head or two.
#pragma once

#include <type_traits>

#include <vitrail/models/vit.hpp>
#include <vitrail/ops/cross_entropy.hpp>

namespace options {

namespace vt = vitrail;

inline constexpr vt::ViTConfig base{.image = 8, .channels = 2, .patch = 4, .dim = 12, .depth = 2, .heads = 2, .mlp = 20};
inline constexpr vt::ViTConfig distilled = [] {
  vt::ViTConfig c = base;
  c.distilled = true;
  return c;
}();
inline constexpr vt::ViTConfig registers = [] {
  vt::ViTConfig c = base;
  c.init_values = 0.5;
  c.qk_norm = c.no_embed_class = true;
  c.reg_tokens = 2;
  return c;
}();
inline constexpr vt::ViTConfig pre_norm = [] {
  vt::ViTConfig c = base;
  c.pool = vt::pooling::mean;
  c.norm = vt::norm_place::before;
  c.pre_norm = true;
  c.init_values = 0.5;
  c.class_token = false;
  return c;
}();
inline constexpr vt::ViTConfig map = [] {
  vt::ViTConfig c = base;
  c.pool = vt::pooling::attention;
  c.norm = vt::norm_place::after;
  c.reg_tokens = 1;
  return c;
}();
constexpr vt::ViTConfig whole(vt::ViTConfig c) {
  c.whole_last_block = true;
  return c;
}

// Of what a ViT returns while training.
struct Loss {
  vt::CrossEntropyOptions options;
  constexpr auto operator()(const auto& net, const auto& x, const auto& y) const {
    const auto out = net(x);
    if constexpr (vt::is_var<std::remove_cvref_t<decltype(out)>>) {
      return vt::Step{vt::cross_entropy(out, y, options)};
    } else {
      const auto& [logits, second] = out;
      vt::Var loss = vt::cross_entropy(logits, y, options) + vt::cross_entropy(second, y, options);
      return vt::Step{loss};
    }
  }
};

}  // namespace options
