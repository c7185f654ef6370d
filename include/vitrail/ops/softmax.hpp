// softmax.hpp - exp(x - max) / sum over the last axis. torch.nn.functional.softmax.
#pragma once

#include <array>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/lane_math.hpp"
#include "../backend/rows.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// y = softmax(x). In place is allowed.
template <class T>
struct SoftmaxForward {
  using value = T;
  std::size_t width;
  const T* x;
  T* y;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* in = x + r * width;
    T* out = y + r * width;
    const T top = row.max(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j); });
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, exp(get<L>(in, j) - L(top))); });
    const T sum = row.sum(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(out, j); });
    const L inverse = L(T(1) / sum);
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(out, j) * inverse); });
  }
};
// dx = y (dy - sum(y dy)). In place over dy is allowed.
template <class T>
struct SoftmaxBackward {
  using value = T;
  std::size_t width;
  const T *y, *dy;
  T* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T *in = y + r * width, *up = dy + r * width;
    T* out = dx + r * width;
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
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count * S::rows, width, detail::SoftmaxForward<T>{width, a.in[0], a.out});
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    if (!a.gradient[0].wanted()) return;
    a.backend->rows(a.count * S::rows, width,
                    detail::SoftmaxBackward<T>{width, a.out, a.out_gradient, a.gradient[0].at, a.gradient[0].adds()});
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
