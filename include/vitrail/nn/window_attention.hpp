// window_attention.hpp - self-attention within windows of a map, as Swin and Swin v2 have it, with timm's names.
#pragma once

#include "../ops/concat.hpp"
#include "../ops/cosine_heads.hpp"
#include "../ops/rearrange.hpp"
#include "../ops/relative_position.hpp"
#include "../ops/slice.hpp"
#include "../ops/window_attention.hpp"
#include "linear.hpp"

namespace vitrail::inline VITRAIL_TU {

// A map of tokens and the windows of one block in it. A map that they do not divide is padded with zeros, below and to
// the right, before it is shifted (as in torchvision and transformers; the order matters: the seam must stay at the
// border of the padded map).
struct WindowedMap {
  std::size_t height, width, window;
  bool shifted = false;
  seam_mask mask = seam_mask::exact;
  std::size_t trained_window = 0;  // Swin v2: that of the pretrained model, if another

  static constexpr std::size_t padded(std::size_t extent, std::size_t window) {
    return extent <= window ? extent : (extent + window - 1) / window * window;
  }
  constexpr Windows windows() const {
    return swin_windows(padded(height, window), padded(width, window), window, shifted);
  }
};

namespace detail {
// attend(map) on the tokens of the padded map, and its result without the padding. [height * width, D] both.
template <WindowedMap M, std::size_t D, class X, class F>
constexpr auto with_padding(const X& x, const F& attend) {
  constexpr std::size_t height = M.windows().height, width = M.windows().width;
  if constexpr (height == M.height && width == M.width) {
    return attend(x);
  } else {
    Var padded = pad<0, 0, height - M.height>(pad<1, 0, width - M.width>(reshape<Shape<M.height, M.width, D>>(x)));
    Var y = attend(reshape<Shape<height * width, D>>(padded));
    Var map = reshape<Shape<height, width, D>>(y);
    return reshape<Shape<M.height * M.width, D>>(slice<0, 0, M.height>(slice<1, 0, M.width>(map)));
  }
}
}  // namespace detail

// Scores are scaled products plus a bias from a table. [height * width, D] -> the same; a residual is added on the way
// out.
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
  constexpr auto forward(const auto& x, const auto&... residual) const {
    Var bias = relative_position_bias<windows.rows, windows.columns>(
        as_var(detail::context_of(x), relative_position_bias_table));
    Var y = detail::with_padding<M, D>(x, [&](const auto& map) {
      return window_attention<Heads, windows>(qkv(map), bias, WindowScoring{0, M.mask});
    });
    return proj(y, residual...);
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
  constexpr auto forward(const auto& x) const {
    constexpr std::size_t rows = windows.rows, columns = windows.columns;
    auto* step = detail::context_of(x);
    Var entries = 16 * sigmoid(cpb_mlp(log_coordinates<rows, columns>(x, logit_scale, M.trained_window)));
    Var bias = relative_position_bias<rows, columns>(entries);
    Var qkv_bias = concat<0>(pad<0, 0, D>(as_var(step, q_bias)), as_var(step, v_bias));
    Var y = detail::with_padding<M, D>(x, [&](const auto& map) {
      return window_attention<Heads, windows>(cosine_heads(qkv(map, qkv_bias), logit_scale), bias,
                                              WindowScoring{1, M.mask});
    });
    return proj(y);
  }
};

}  // namespace vitrail::inline VITRAIL_TU
