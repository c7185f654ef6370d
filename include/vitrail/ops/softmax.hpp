// softmax.hpp - exp(x - max) / sum over the last axis. torch.nn.functional.softmax.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/bf16.hpp"
#include "../backend/lane_math.hpp"
#include "../backend/rows.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// y = softmax(x). In place is allowed.
template <class X>
struct SoftmaxForward {
  using value = computed<X>;
  std::size_t width;
  const X* x;
  X* y;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const X* in = x + r * width;
    X* out = y + r * width;
    const value top = row.max(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j); });
    if constexpr (std::is_same_v<X, value>) {
      row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, exp(get<L>(in, j) - L(top))); });
      const value sum = row.sum(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(out, j); });
      const L inverse = L(value(1) / sum);
      row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(out, j) * inverse); });
    } else {  // rounded once
      const value sum = row.sum(width, [&](auto j) VITRAIL_LAMBDA { return exp(get<L>(in, j) - L(top)); });
      const L inverse = L(value(1) / sum);
      row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, exp(get<L>(in, j) - L(top)) * inverse); });
    }
  }
};
// dx = y (dy - sum(y dy)). In place over dy is allowed.
template <class X>
struct SoftmaxBackward {
  using value = computed<X>;
  std::size_t width;
  const X *y, *dy;
  X* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const X *in = y + r * width, *up = dy + r * width;
    X* out = dx + r * width;
    const L dot = L(row.sum(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j) * get<L>(up, j); }));
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(in, j) * (get<L>(up, j) - dot), adds); });
  }
};

}  // namespace detail

template <class S>
struct SoftmaxOp {
  using shape = S;
  static constexpr const char* name = "softmax";
  static constexpr std::size_t width = S::last;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.flops = 5 * S::size;
    f.backward_flops = tracked[0] ? 4 * S::size : 0;
    f.saves = tracked[0] ? output_bit : 0;
    f.in_place = 1;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    a.backend->rows(a.count * S::rows, width, detail::SoftmaxForward<X>{width, input_at<0>(a), a.out});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    if (!a.gradient[0].wanted()) return;
    a.backend->rows(a.count * S::rows, width,
                    detail::SoftmaxBackward<X>{width, a.out, a.out_gradient, gradient_at<0>(a), a.gradient[0].adds()});
  }
};

// x [.., D] -> [.., D], each row sums to one. x is a Var or an expression.
template <class X>
constexpr auto softmax(X&& x) {
  const auto v = evaluate(static_cast<X&&>(x));
  using V = std::remove_cvref_t<decltype(v)>;
  return apply(SoftmaxOp<typename V::shape>{}, v);
}

}  // namespace vitrail::inline VITRAIL_TU
