// window_attention.hpp - self-attention within windows of a map, as Swin and Swin v2 have it, with timm's names.
#pragma once

#include "../ops/concat.hpp"
#include "../ops/cosine_heads.hpp"
#include "../ops/relative_position.hpp"
#include "keys_only.hpp"
#include "linear.hpp"
#include "windowed_map.hpp"

namespace vitrail::inline VITRAIL_TU {

// Scores are scaled products plus a bias from a table. [height * width, D] -> the same; a residual is added on the way
// out. Tokens that are KeysOnly are in every window, and so are M.prompts tokens in front of the map.
template <std::size_t D, std::size_t Heads, WindowedMap M, class P = cpu>
struct WindowAttention : Module<WindowAttention<D, Heads, M, P>> {
  static constexpr Windows windows = M.windows();
  static constexpr std::size_t entries = (2 * windows.rows - 1) * (2 * windows.columns - 1);
  Param<Shape<entries, Heads>, P, site::relative_position, initial::normal<std::ratio<2, 100>>>
      relative_position_bias_table;
  Linear<D, 3 * D, P, site::qkv> qkv;
  Linear<D, D, P, site::proj> proj;

  static constexpr void visit(auto& self, auto&& f) {
    f("relative_position_bias_table", self.relative_position_bias_table);
    f("qkv", self.qkv);
    f("proj", self.proj);
  }
  constexpr auto forward(const auto& x, const auto&... residual) const { return proj(attended(x), residual...); }
  template <class V>
  constexpr auto forward(const auto& x, const KeysOnly<V>& more, const auto&... residual) const {
    return proj(attended(x, qkv(more.tokens)), residual...);
  }

 private:
  constexpr auto attended(const auto& x, const auto&... prompts) const {
    Var bias = relative_position_bias<windows.rows, windows.columns>(
        as_var(detail::context_of(x), relative_position_bias_table));
    return detail::attend_in_windows<M, Heads>(x, qkv, bias, WindowScoring{0, M.mask}, prompts...);
  }
};

// The network that gives Swin v2's biases from distances: Linear(2, 512), ReLU, Linear(512, heads) without a bias.
template <std::size_t Heads, class P = cpu>
struct PositionMlp : Module<PositionMlp<Heads, P>> {
  static constexpr std::size_t hidden = 512;
  PlainLinear<2, hidden, P, site::relative_position> first;
  LinearWithoutBias<hidden, Heads, P, site::relative_position> second;

  static constexpr void visit(auto& self, auto&& f) {
    f("0", self.first);
    f("2", self.second);
  }
  constexpr auto forward(const auto& coordinates) const { return second(relu(first(coordinates))); }
};

// Scores are scaled cosines plus 16 sigmoid of a bias that a network computes from log-spaced distances (Liu et al.
// 2022, Swin Transformer V2). Keys have no bias.
template <std::size_t D, std::size_t Heads, WindowedMap M, class P = cpu>
struct CosineWindowAttention : Module<CosineWindowAttention<D, Heads, M, P>> {
  static constexpr Windows windows = M.windows();
  Param<Shape<Heads, 1, 1>, P, site::relative_position, initial::log_of<10>> logit_scale;
  PositionMlp<Heads, P> cpb_mlp;
  LinearWithoutBias<D, 3 * D, P, site::qkv> qkv;
  Param<Shape<D>, P, site::bias_of<site::qkv>> q_bias, v_bias;
  Linear<D, D, P, site::proj> proj;

  static constexpr void visit(auto& self, auto&& f) {
    f("logit_scale", self.logit_scale);
    f("cpb_mlp", self.cpb_mlp);
    f("qkv", self.qkv);
    f("q_bias", self.q_bias);
    f("v_bias", self.v_bias);
    f("proj", self.proj);
  }
  constexpr auto forward(const auto& x) const { return proj(attended(x)); }
  template <class V>
  constexpr auto forward(const auto& x, const KeysOnly<V>& more) const {
    return proj(attended(x, more.tokens));
  }

 private:
  constexpr auto attended(const auto& x, const auto&... prompts) const {
    constexpr std::size_t rows = windows.rows, columns = windows.columns;
    auto* step = detail::context_of(x);
    Var entries = 16 * sigmoid(cpb_mlp(log_coordinates<rows, columns>(x, logit_scale, M.trained_window)));
    Var bias = relative_position_bias<rows, columns>(entries);
    Var qkv_bias = concat<0>(pad<0, 0, D>(as_var(step, q_bias)), as_var(step, v_bias));
    const auto cosines = [&](const auto& tokens) { return cosine_heads(qkv(tokens, qkv_bias), logit_scale); };
    return detail::attend_in_windows<M, Heads>(x, cosines, bias, WindowScoring{1, M.mask}, cosines(prompts)...);
  }
};

}  // namespace vitrail::inline VITRAIL_TU
