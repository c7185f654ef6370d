// tokens.hpp - the class token and positions at the start of a ViT, and what is taken from the tokens at its end.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/rows.hpp"
#include "../error.hpp"
#include "../expr/evaluate.hpp"
#include "copy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// out[0] = token + position[0], out[1 + i] = x[i] + position[1 + i]; a program row is one token.
template <class T>
struct EmbedTokens {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t tokens, width;
  const T *x, *token, *position;
  T* out;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t i = r % tokens, sample = r / tokens;
    const T* source = i == 0 ? token : x + (sample * (tokens - 1) + i - 1) * width;
    const T* add = position + i * width;
    T* to = out + r * width;
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(to, j, get<L>(source, j) + get<L>(add, j)); });
  }
};
// out = mean of rows [first, rows); a program row is one sample.
template <class T>
struct MeanRows {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t rows, first, width;
  const T* x;
  T* out;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* in = x + r * rows * width;
    const L factor = L(T(1) / static_cast<T>(rows - first));
    row.each(width, [&](auto j) VITRAIL_LAMBDA {
      L sum = constant<L>(0);
      for (std::size_t i = first; i < rows; ++i) sum += get<L>(in + i * width, j);
      put<L>(out + r * width, j, sum * factor);
    });
  }
};
template <class T>
struct MeanRowsBackward {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t rows, first, width;
  const T* out_gradient;
  T* to;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* g = out_gradient + r / rows * width;
    const L factor = L(r % rows < first ? T(0) : T(1) / static_cast<T>(rows - first));
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(to + r * width, j, get<L>(g, j) * factor, adds); });
  }
};

[[noreturn, gnu::noinline]] inline void refuse_first_token(std::size_t first, std::size_t tokens) {
  throw shape_error("mean_tokens: expected a first token below " + std::to_string(tokens) + ", found " +
                    std::to_string(first));
}

}  // namespace detail

// Inputs: x [L, D], class token [.., D], positions [.., L + 1, D]; output [L + 1, D].
template <class S>
struct EmbedTokensOp {
  static constexpr std::size_t tokens = S::dims[0] + 1, D = S::last;
  using shape = Shape<tokens, D>;
  static constexpr const char* name = "embed_tokens";

  template <class P>
  static constexpr Facts facts(std::array<bool, 3> tracked) {
    Facts f;
    f.flops = shape::size;
    f.backward_flops = tracked[1] || tracked[2] ? shape::size : 0;
    f.backward_work.fixed = columns_workspace(shape::size, 1);
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 3>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count * tokens, D, detail::EmbedTokens<T>{tokens, D, a.in[0], a.in[1], a.in[2], a.out});
  }
  template <class P>
  void backward(const Arguments<P, 3>& a) const {
    using T = typename P::value;
    if (a.gradient[0].wanted()) {
      a.backend->rows(a.count * (tokens - 1), D,
                      detail::CopyRows<T>{a.out_gradient, a.gradient[0].at, D, tokens - 1, tokens, 1, tokens - 1, 0,
                                          a.gradient[0].adds()});
    }
    for (std::size_t i = 1; i < 3; ++i) {
      const auto& g = a.gradient[i];
      if (!g.wanted()) continue;
      const std::size_t width = i == 1 ? D : shape::size;  // the token's gradient is that of the first row
      a.backend->template columns<1>(a.count, width, detail::SumRows<T>{a.out_gradient, shape::size},
                                     Columns<T, 1>{{g.at}, {g.adds()}, a.work.fixed});
    }
  }
};

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
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count * First, D, detail::CopyRows<T>{a.in[0], a.out, D, First, N, 0, First, 0});
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    if (g.mode == Mode::write_zero_rest && First < N) {
      a.backend->rows(a.count * (N - First), D, detail::CopyRows<T>{nullptr, g.at, D, N - First, 1, 0, N, First});
    }
    a.backend->rows(a.count * First, D,
                    detail::CopyRows<T>{a.out_gradient, g.at, D, First, First, 0, N, 0, g.adds()});
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
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count, S::size, detail::MeanRows<T>{N, first, D, a.in[0], a.out});
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    a.backend->rows(a.count * N, D, detail::MeanRowsBackward<T>{N, first, D, a.out_gradient, g.at, g.adds()});
  }
};

template <std::size_t Rank>
struct error_embed_tokens_input_is_not_of_rank_2;
template <std::size_t Given, std::size_t Expected>
struct error_embed_tokens_positions_are_not_one_more_than_the_tokens;
template <std::size_t Given, std::size_t Expected>
struct error_embed_tokens_positions_have_another_width_than_the_tokens;
template <std::size_t Given, std::size_t Expected>
struct error_embed_tokens_class_token_has_another_width_than_the_tokens;
template <std::size_t Rows, std::size_t Width>
struct error_embed_tokens_positions_are_not_one_for_the_whole_batch;
template <std::size_t Width>
struct error_embed_tokens_class_token_is_not_one_for_the_whole_batch;
template <std::size_t Rank>
struct error_first_tokens_input_is_not_of_rank_2;
template <std::size_t First, std::size_t Tokens>
struct error_first_tokens_are_none_or_more_than_there_are;
template <std::size_t Rank>
struct error_mean_tokens_input_is_not_of_rank_2;

namespace detail {
template <class X, class Token, class Position>
constexpr auto embed_tokens(const X& x, const Token& token, const Position& position) {
  using S = typename X::shape;
  using Positions = typename Position::shape;
  if constexpr (S::rank != 2) {
    return refuse<error_embed_tokens_input_is_not_of_rank_2<S::rank>>(x, token, position);
  } else if constexpr (Positions::rows != S::rows + 1) {
    return refuse<error_embed_tokens_positions_are_not_one_more_than_the_tokens<Positions::rows, S::rows + 1>>(
        x, token, position);
  } else if constexpr (Positions::last != S::last) {
    return refuse<error_embed_tokens_positions_have_another_width_than_the_tokens<Positions::last, S::last>>(x, token,
                                                                                                             position);
  } else if constexpr (Token::shape::size != S::last) {
    return refuse<error_embed_tokens_class_token_has_another_width_than_the_tokens<Token::shape::size, S::last>>(
        x, token, position);
  } else if constexpr (!is_one_for_all<Position>()) {
    return refuse<error_embed_tokens_positions_are_not_one_for_the_whole_batch<Positions::rows, Positions::last>>(
        x, token, position);
  } else if constexpr (!is_one_for_all<Token>()) {
    return refuse<error_embed_tokens_class_token_is_not_one_for_the_whole_batch<Token::shape::size>>(x, token,
                                                                                                     position);
  } else {
    return apply(EmbedTokensOp<S>{}, x, token, position);
  }
}
}  // namespace detail

// x [L, D] -> [L + 1, D]: the class token in front, then positions added to all. Class token and positions may carry
// leading axes of extent 1, as in timm's checkpoints.
template <class X, class Token, class Position>
constexpr auto embed_tokens(X&& x, Token&& token, Position&& position) {
  return detail::embed_tokens(evaluate(static_cast<X&&>(x)), evaluate(static_cast<Token&&>(token)),
                              evaluate(static_cast<Position&&>(position)));
}
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
