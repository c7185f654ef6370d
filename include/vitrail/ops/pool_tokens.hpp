// pool_tokens.hpp - what is taken from tokens: the first of them, or their mean.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/rows.hpp"
#include "../error.hpp"
#include "../expr/evaluate.hpp"
#include "copy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// out = mean of rows [first, rows); a program row is one sample.
template <class T>
struct MeanRows {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  std::size_t rows, first, width;
  const T* x;
  T* out;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* in = x + r * rows * width;
    const L factor = L(value(1) / static_cast<value>(rows - first));
    row.each(width, [&](auto j) VITRAIL_LAMBDA {
      L sum = constant<L>(0);
      for (std::size_t i = first; i < rows; ++i) sum += get<L>(in + i * width, j);
      put<L>(out + r * width, j, sum * factor);
    });
  }
};
template <class T>
struct MeanRowsBackward {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  std::size_t rows, first, width;
  const T* out_gradient;
  T* to;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* g = out_gradient + r / rows * width;
    const L factor = L(r % rows < first ? value(0) : value(1) / static_cast<value>(rows - first));
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(to + r * width, j, get<L>(g, j) * factor, adds); });
  }
};

[[noreturn, gnu::noinline]] inline void refuse_first_token(std::size_t first, std::size_t tokens) {
  throw shape_error("mean_tokens: expected a first token below " + std::to_string(tokens) + ", found " +
                    std::to_string(first));
}

}  // namespace detail

// [N, D] -> [First, D].
template <class S, std::size_t First>
struct FirstTokensOp {
  using shape = Shape<First, S::last>;
  static constexpr const char* name = "first_tokens";
  static constexpr std::size_t N = S::dims[0], D = S::last;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1>) {
    Facts f;
    f.partial = 1;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    a.backend->rows(a.count * First, D, detail::CopyRows<X>{input_at<0>(a), a.out, D, First, N, 0, First, 0});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    X* const to = gradient_at<0>(a);
    if (g.mode == Mode::write_zero_rest && First < N) {
      a.backend->rows(a.count * (N - First), D, detail::CopyRows<X>{nullptr, to, D, N - First, 1, 0, N, First});
    }
    a.backend->rows(a.count * First, D, detail::CopyRows<X>{a.out_gradient, to, D, First, First, 0, N, 0, g.adds()});
  }
};

// [N, D] -> [D]: the mean from one token on.
template <class S>
struct MeanTokensOp {
  using shape = Shape<S::last>;
  static constexpr const char* name = "mean_tokens";
  static constexpr std::size_t N = S::dims[0], D = S::last;
  std::size_t first;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.flops = S::size;
    f.backward_flops = tracked[0] ? S::size : 0;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    a.backend->rows(a.count, S::size, detail::MeanRows<X>{N, first, D, input_at<0>(a), a.out});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    a.backend->rows(a.count * N, D,
                    detail::MeanRowsBackward<X>{N, first, D, a.out_gradient, gradient_at<0>(a), g.adds()});
  }
};

template <std::size_t Rank>
struct error_first_tokens_input_is_not_of_rank_2;
template <std::size_t First, std::size_t Tokens>
struct error_first_tokens_are_none_or_more_than_there_are;
template <std::size_t Rank>
struct error_mean_tokens_input_is_not_of_rank_2;

namespace detail {
template <std::size_t First, class X>
constexpr auto first_tokens(const X& x) {
  using S = typename X::shape;
  if constexpr (S::rank != 2) {
    return refuse<error_first_tokens_input_is_not_of_rank_2<S::rank>>(x);
  } else if constexpr (First == 0 || First > S::dims[0]) {
    return refuse<error_first_tokens_are_none_or_more_than_there_are<First, S::dims[0]>>(x);
  } else {
    return apply(FirstTokensOp<S, First>{}, x);
  }
}
}  // namespace detail

// x [N, D] -> [First, D]: its first tokens.
template <std::size_t First, class X>
constexpr auto first_tokens(X&& x) {
  return detail::first_tokens<First>(evaluate(static_cast<X&&>(x)));
}
// x [N, D] -> [D]: its first token.
template <class X>
constexpr auto first_token(X&& x) {
  const auto first = first_tokens<1>(static_cast<X&&>(x));
  using V = std::remove_cvref_t<decltype(first)>;
  if constexpr (is_refused<V>) {
    return first;
  } else {
    return same_value<Shape<V::shape::last>, V::tracked>(first);
  }
}
namespace detail {
template <class X>
constexpr auto mean_tokens(const X& x, std::size_t first) {
  using S = typename X::shape;
  if constexpr (S::rank != 2) {
    return refuse<error_mean_tokens_input_is_not_of_rank_2<S::rank>>(x);
  } else {
    if (first >= S::dims[0]) detail::refuse_first_token(first, S::dims[0]);
    return apply(MeanTokensOp<S>{first}, x);
  }
}
}  // namespace detail

// x [N, D] -> [D]: the mean of its tokens from `first` on; throws shape_error if there are none.
template <class X>
constexpr auto mean_tokens(X&& x, std::size_t first = 0) {
  return detail::mean_tokens(evaluate(static_cast<X&&>(x)), first);
}

}  // namespace vitrail::inline VITRAIL_TU
