// tokens.hpp - the class token and positions at the start of a ViT; what is taken from the tokens at its end is in
// pool_tokens.hpp.
#pragma once

#include <array>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/rows.hpp"
#include "../expr/evaluate.hpp"
#include "copy.hpp"
#include "pool_tokens.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// out[0] = token + position[0], out[1 + i] = x[i] + position[1 + i]; a program row is one token.
template <class T, class X>
struct EmbedTokens {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t tokens, width;
  const X* x;
  const T *token, *position;
  X* out;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t i = r % tokens, sample = r / tokens;
    const X* source = i == 0 ? nullptr : x + (sample * (tokens - 1) + i - 1) * width;
    const T* add = position + i * width;
    X* to = out + r * width;
    row.each(width, [&](auto j) VITRAIL_LAMBDA {
      put<L>(to, j, (source ? get<L>(source, j) : get<L>(token, j)) + get<L>(add, j));
    });
  }
};
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
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 3, Stored>& a) const {
    using Program = detail::EmbedTokens<typename P::value, stored_input<0, decltype(a)>>;
    a.backend->rows(a.count * tokens, D, Program{tokens, D, input_at<0>(a), input_at<1>(a), input_at<2>(a), a.out});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 3, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    if (a.gradient[0].wanted()) {
      a.backend->rows(a.count * (tokens - 1), D,
                      detail::CopyRows<X>{a.out_gradient, gradient_at<0>(a), D, tokens - 1, tokens, 1, tokens - 1, 0,
                                          a.gradient[0].adds()});
    }
    sum_over_samples<1>(a, D);  // the token's gradient is that of the first row
    sum_over_samples<2>(a, shape::size);
  }

 private:
  template <std::size_t I, class A>
  static void sum_over_samples(const A& a, std::size_t width) {
    using T = typename A::value;
    const auto& g = a.gradient[I];
    if (!g.wanted()) return;
    a.backend->template columns<1>(a.count, width, detail::SumRows<typename A::result>{a.out_gradient, shape::size},
                                   Columns<T, 1>{{gradient_at<I>(a)}, {g.adds()}, a.work.fixed});
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

}  // namespace vitrail::inline VITRAIL_TU
