// windowed_map.hpp - a map of tokens in windows: padding, attention in them, and prompts that go through them.
#pragma once

#include <cstddef>

#include "../ops/concat.hpp"
#include "../ops/einsum.hpp"
#include "../ops/rearrange.hpp"
#include "../ops/slice.hpp"
#include "../ops/softmax.hpp"
#include "../ops/window_attention.hpp"

namespace vitrail::inline VITRAIL_TU {

// A map of tokens and the windows of one block in it. A map that they do not divide is padded with zeros, below and to
// the right, before it is shifted (as in torchvision and transformers; the order matters: the seam must stay at the
// border of the padded map).
struct WindowedMap {
  std::size_t height, width, window;
  bool shifted = false;
  seam_mask mask = seam_mask::exact;
  std::size_t trained_window = 0;  // Swin v2: that of the pretrained model, if another
  std::size_t prompts = 0;         // in front of the map, going with its tokens

  static constexpr std::size_t padded(std::size_t extent, std::size_t window) {
    return extent <= window ? extent : (extent + window - 1) / window * window;
  }
  constexpr Windows windows() const {
    return swin_windows(padded(height, window), padded(width, window), window, shifted);
  }
};

namespace detail {

// [height * width, D] -> the tokens of the padded map.
template <WindowedMap M, class X>
constexpr auto padded_map(const X& x) {
  constexpr std::size_t height = M.windows().height, width = M.windows().width, D = X::shape::last;
  if constexpr (height == M.height && width == M.width) {
    return x;
  } else {
    Var map = pad<0, 0, height - M.height>(pad<1, 0, width - M.width>(reshape<Shape<M.height, M.width, D>>(x)));
    return reshape<Shape<height * width, D>>(map);
  }
}
template <WindowedMap M, class Y>
constexpr auto without_padding(const Y& y) {
  constexpr std::size_t height = M.windows().height, width = M.windows().width, D = Y::shape::last;
  if constexpr (height == M.height && width == M.width) {
    return y;
  } else {
    Var map = slice<0, 0, M.height>(slice<1, 0, M.width>(reshape<Shape<height, width, D>>(y)));
    return reshape<Shape<M.height * M.width, D>>(map);
  }
}

// The first Shift of an axis behind the others: torch.roll by -Shift.
template <std::size_t Axis, std::size_t Shift, class X>
constexpr auto rolled(const X& x) {
  if constexpr (Shift == 0) {
    return x;
  } else {
    return concat<Axis>(slice<Axis, Shift, X::shape::dims[Axis]>(x), slice<Axis, 0, Shift>(x));
  }
}
// What becomes of prompts among the tokens of windows, [p, 3 C] of qkv -> [p, C]: in each window of their image they
// see all its tokens and all prompts, without bias and mask, and are then the mean over windows (Jia et al. 2022, in
// the authors' program). map [height * width, 3 C].
template <std::size_t Heads, Windows W, class X, class Map>
constexpr auto prompts_in_windows(const X& prompts, const Map& map, double scale) {
  constexpr std::size_t C = X::shape::last / 3;
  constexpr with cut{.m = W.rows, .n = W.columns}, each{.w = W.count()}, by_head{.h = Heads};
  Var unrolled = reshape<Shape<W.height, W.width, 2 * C>>(evaluate(slice<1, C, 3 * C>(map)));
  Var rows = rolled<0, W.shift_rows>(unrolled);
  Var own = rearrange<"(y m) (x n) c -> (y x) (m n) c", cut>(rolled<1, W.shift_columns>(rows));
  Var all = concat<1>(own, repeat<"p c -> w p c", each>(slice<1, C, 3 * C>(prompts)));
  Var scores = einsum<"p (h d), w k (h d) -> h w p k", by_head>(slice<1, 0, C>(prompts), slice<2, 0, C>(all));
  Var p = softmax(scores * scale);
  Var sum = einsum<"h w p k, w k (h d) -> p (h d)", by_head>(p, slice<2, C, 2 * C>(all));
  return evaluate(sum * (1.0 / static_cast<double>(W.count())));
}

// Attention of x [M.prompts + height * width, D] in the windows of M. Further keys and values, [p, 3 D] of qkv, may be
// in each.
template <WindowedMap M, std::size_t Heads, class X, class QKV, class B, class... Prompts>
constexpr auto attend_in_windows(const X& x, const QKV& qkv, const B& bias, const WindowScoring& scoring,
                                 const Prompts&... prompts) {
  constexpr Windows windows = M.windows();
  constexpr std::size_t tokens = M.height * M.width;
  constexpr std::size_t own = M.prompts;
  if constexpr (own > 0 && X::shape::rows == own + tokens) {
    const auto first = qkv(slice<0, 0, own>(x));
    const auto map = qkv(padded_map<M>(slice<0, own, own + tokens>(x)));
    constexpr double usual = rsqrt_of<X::shape::last / Heads>;
    return concat<0>(prompts_in_windows<Heads, windows>(first, map, scoring.scale == 0 ? usual : scoring.scale),
                     without_padding<M>(window_attention<Heads, windows>(map, bias, first, scoring)));
  } else {
    return without_padding<M>(window_attention<Heads, windows>(qkv(padded_map<M>(x)), bias, prompts..., scoring));
  }
}

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
