// dropout.hpp - dropout (each element) and drop path (each sample): kept with probability 1 - rate and divided by it.
// torch.nn.functional.dropout, timm.layers.DropPath. In evaluation both are the identity, by the type of the context.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../autodiff/driver.hpp"
#include "../backend/bf16.hpp"
#include "../backend/rows.hpp"
#include "../error.hpp"
#include "../expr/evaluate.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The mask is a function of seed, step, operation, sample and element, so that backward makes it again instead of
// keeping it. A program row is one sample.
template <class T, bool PerSample>
struct Drop {
  using value = computed<T>;
  std::size_t width;
  const T* from;
  T* to;
  bool adds;
  double rate;
  RandomStream random;
  std::uint32_t first_sample;

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const auto sample = first_sample + static_cast<std::uint32_t>(r);
    const T* in = from + r * width;
    const value scale = static_cast<value>(1 / (1 - rate));
    T* out = to + r * width;
    if constexpr (PerSample) {
      const L factor = L(uniform_at<value>(random, sample, 0) < static_cast<value>(rate) ? value(0) : scale);
      row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(in, j) * factor, adds); });
    } else {
      row.each(width,
               [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(in, j) * factors<L>(sample, j.at, scale), adds); });
    }
  }
  template <class L>
  VITRAIL_FUNCTION L factors(std::uint32_t sample, std::size_t element, value scale) const {
    constexpr std::size_t lane_elements = lanes<L>::width;
    value factor[lane_elements];
    for (std::size_t i = 0; i < lane_elements; ++i) {
      factor[i] = uniform_at<value>(random, sample, element + i) < static_cast<value>(rate) ? value(0) : scale;
    }
    return load<L>(factor);
  }
};

}  // namespace detail

template <class S, bool PerSample>
struct DropOp {
  using shape = S;
  static constexpr const char* name = PerSample ? "drop_path" : "dropout";
  double rate;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.flops = S::size;
    f.backward_flops = tracked[0] ? S::size : 0;
    f.in_place = 1;
    f.recompute_cost = S::size * elementwise_cost;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    run(a, input_at<0>(a), a.out, false);
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    if (a.gradient[0].wanted()) run(a, a.out_gradient, gradient_at<0>(a), a.gradient[0].adds());
  }

 private:
  template <class A, class T>
  void run(const A& a, const T* from, T* to, bool adds) const {
    if (!(rate >= 0 && rate < 1)) {
      throw error(std::string(name) + ": expected a rate in [0, 1), found " + std::to_string(rate));
    }
    a.backend->rows(a.count, S::size,
                    detail::Drop<T, PerSample>{S::size, from, to, adds, rate, a.random, a.first_sample});
  }
};

namespace detail {
template <class X>
constexpr auto dropout(const X& x, double rate) {
  if constexpr (X::context::training) {
    if (rate == 0) return x;
    return apply(DropOp<typename X::shape, false>{rate}, x);
  } else {
    return x;
  }
}
}  // namespace detail

// Zeroes each element of x with probability `rate` while training. A step throws if that is not in [0, 1).
template <class X>
constexpr auto dropout(X&& x, double rate) {
  return detail::dropout(evaluate(static_cast<X&&>(x)), rate);
}
namespace detail {
template <class X>
constexpr auto drop_path(const X& x, double rate) {
  if constexpr (X::context::training) {
    if (rate == 0) return x;
    return apply(DropOp<typename X::shape, true>{rate}, x);
  } else {
    return x;
  }
}
}  // namespace detail

// Zeroes whole samples of a residual branch with probability `rate` while training (stochastic depth, Huang et al.
// 2016). A step throws if that is not in [0, 1).
template <class X>
constexpr auto drop_path(X&& x, double rate) {
  return detail::drop_path(evaluate(static_cast<X&&>(x)), rate);
}

}  // namespace vitrail::inline VITRAIL_TU
