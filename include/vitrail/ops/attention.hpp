// attention.hpp - multi-head self-attention on a fused qkv: softmax(Q K^T / sqrt(d)) V per head.
// torch.nn.functional.scaled_dot_product_attention, between timm's qkv and proj.
#pragma once

#include <array>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/attention.hpp"
#include "../backend/backend.hpp"
#include "../expr/expression.hpp"
#include "attention_map.hpp"
#include "copy.hpp"
#include "softmax.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

template <class B, class T>
concept FusedAttention = requires(const B& b, const kernels::Attention<T>& forward,
                                  const kernels::AttentionGradient<T>& backward) {
  b.attention_forward(forward);
  b.attention_backward(backward);
};

// One product for each head, over the whole batch: a (of the heads at `from`) times b, as the strides say.
template <class T>
struct HeadMatrix {
  const T* data;
  std::ptrdiff_t row, column, head, batch;
  constexpr HeadMatrix transposed() const { return {data, column, row, head, batch}; }
};
template <class T>
constexpr HeadMatrix<T> matrix_of(const kernels::Heads<const T>& h) {
  return {h.data, h.row, 1, h.head, h.batch};
}
template <class B, class T>
void head_products(const B& backend, std::size_t batch, std::size_t heads, std::array<std::size_t, 3> mnk,
                   const HeadMatrix<T>& a, const HeadMatrix<T>& b, const kernels::Heads<T>& c, bool accumulate) {
  for (std::size_t h = 0; h < heads; ++h) {
    const auto head = static_cast<std::ptrdiff_t>(h);
    Product<T> p;
    p.m = mnk[0], p.n = mnk[1], p.k = mnk[2], p.count = batch;
    p.a = a.data + head * a.head, p.a_row = a.row, p.a_column = a.column, p.a_batch = a.batch;
    p.b = b.data + head * b.head, p.b_row = b.row, p.b_column = b.column, p.b_batch = b.batch;
    p.c = c.data + head * c.head, p.c_row = c.row, p.c_batch = c.batch;
    p.accumulate = accumulate;
    backend.product(p);
  }
}
// p = exp(scale s - log_sum_exp), in place: the probabilities again from what forward kept.
template <class T>
struct Probabilities {
  using value = T;
  std::size_t width;
  T* s;
  const T* log_sum_exp;
  T scale;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    T* p = s + r * width;
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(p, j, exp(get<L>(p, j) * L(scale) - L(log_sum_exp[r]))); });
  }
};

// The same attention from products and softmax, for a backend that has no fused one. `work` holds the scores of all
// heads.
template <class B, class T>
void attention_forward(const B& backend, const kernels::Attention<T>& a, T* work) {
  const auto queries = static_cast<std::ptrdiff_t>(a.queries), keys = static_cast<std::ptrdiff_t>(a.keys);
  const kernels::Heads<T> scores{work, keys, queries * keys, static_cast<std::ptrdiff_t>(a.heads) * queries * keys};
  const HeadMatrix<T> probabilities{work, keys, 1, scores.head, scores.batch};
  head_products(backend, a.batch, a.heads, {a.queries, a.keys, a.channels}, matrix_of(a.q), matrix_of(a.k).transposed(),
                scores, false);
  backend.rows(a.batch * a.heads * a.queries, a.keys, SoftmaxForward<T>{a.keys, work, work, a.log_sum_exp, a.scale});
  head_products(backend, a.batch, a.heads, {a.queries, a.channels, a.keys}, probabilities, matrix_of(a.v), a.out,
                false);
}
template <class B, class T>
void attention_backward(const B& backend, const kernels::AttentionGradient<T>& g, T* work) {
  const kernels::Attention<T>& a = g.forward;
  const auto queries = static_cast<std::ptrdiff_t>(a.queries), keys = static_cast<std::ptrdiff_t>(a.keys);
  const std::size_t rows = a.batch * a.heads * a.queries;
  T* score_gradients = work + rows * a.keys;
  const kernels::Heads<T> scores{work, keys, queries * keys, static_cast<std::ptrdiff_t>(a.heads) * queries * keys};
  const kernels::Heads<T> ds{score_gradients, keys, scores.head, scores.batch};
  const HeadMatrix<T> p{work, keys, 1, scores.head, scores.batch}, s{score_gradients, keys, 1, ds.head, ds.batch};
  const HeadMatrix<T> up = matrix_of(g.out_gradient);
  auto products = [&](std::array<std::size_t, 3> mnk, const HeadMatrix<T>& x, const HeadMatrix<T>& y,
                      const kernels::Heads<T>& to,
                      bool add) { head_products(backend, a.batch, a.heads, mnk, x, y, to, add); };
  products({a.queries, a.keys, a.channels}, matrix_of(a.q), matrix_of(a.k).transposed(), scores, false);
  backend.rows(rows, a.keys, Probabilities<T>{a.keys, work, a.log_sum_exp, a.scale});
  products({a.queries, a.keys, a.channels}, up, matrix_of(a.v).transposed(), ds, false);
  backend.rows(rows, a.keys, SoftmaxBackward<T>{a.keys, work, score_gradients, score_gradients, false, a.scale});
  products({a.queries, a.channels, a.keys}, s, matrix_of(a.k), g.q, g.add);
  products({a.keys, a.channels, a.queries}, s.transposed(), matrix_of(a.q), g.k, g.add);
  products({a.keys, a.channels, a.queries}, p.transposed(), up, g.v, g.add);
}

}  // namespace detail

// Input: qkv [N, 3 C] with columns which * C + head * d + channel, as timm's; output [Queries, C]: what the first
// tokens take from all. Additive bias, masks and extra keys and values, when they come, are further inputs; the
// kernels' argument structs hold their place.
template <class S, std::size_t HeadCount, std::size_t Queries = S::dims[0]>
struct AttentionOp {
  static constexpr std::size_t N = S::dims[0], C = S::last / 3, d = C / HeadCount;
  using shape = Shape<Queries, C>;
  static constexpr const char* name = "attention";

  template <class P>
  static constexpr bool fused = detail::FusedAttention<typename P::backend, typename P::value>;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.flops = 4 * Queries * N * C;
    f.is_product = true;
    f.backward_flops = tracked[0] ? 10 * Queries * N * C : 0;
    f.saves = 1u | output_bit;
    f.state.per_sample = tracked[0] ? HeadCount * Queries : 0;  // the log-sum-exp
    if (!fused<P>) {
      f.forward_work.per_sample = HeadCount * Queries * N;
      f.backward_work.per_sample = tracked[0] ? 2 * HeadCount * Queries * N : 0;
    }
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    const auto arguments = attention(a);
    if constexpr (fused<P>) {
      a.backend->attention_forward(arguments);
    } else {
      detail::attention_forward(*a.backend, arguments, a.work.per_sample);
    }
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    if (!a.gradient[0].wanted()) return;
    T* to = a.gradient[0].at;
    if constexpr (Queries < N) {  // the other tokens' queries are not asked
      if (!a.gradient[0].adds()) {
        a.backend->rows(a.count * N, C, detail::ZeroOtherColumns<T>{3 * C, C, 2 * C, to});
      }
    }
    const kernels::AttentionGradient<T> g{attention(a),
                                          {a.out_gradient, out_row, channels, out_sample},
                                          {to, row, channels, sample},
                                          {to + C, row, channels, sample},
                                          {to + 2 * C, row, channels, sample},
                                          a.gradient[0].adds()};
    if constexpr (fused<P>) {
      a.backend->attention_backward(g);
    } else {
      detail::attention_backward(*a.backend, g, a.work.per_sample);
    }
  }

  static constexpr std::array<std::size_t, 3> map_shape{HeadCount, Queries, N};
  template <class P>
  void attention_map(const Arguments<P, 1>& a, std::size_t image, typename P::value* to) const {
    detail::attention_map(attention(a), image, to);
  }

 private:
  // Strides. Members, since nvcc calls locals of this kind unused.
  static constexpr std::ptrdiff_t row = 3 * C, channels = d, sample = S::size, out_row = C, out_sample = shape::size;

  template <class P>
  static kernels::Attention<typename P::value> attention(const Arguments<P, 1>& a) {
    using T = typename P::value;
    kernels::Attention<T> arguments;
    arguments.batch = a.count, arguments.heads = HeadCount, arguments.queries = Queries;
    arguments.keys = N, arguments.channels = d;
    arguments.q = {a.in[0], row, channels, sample};
    arguments.k = {a.in[0] + C, row, channels, sample};
    arguments.v = {a.in[0] + 2 * C, row, channels, sample};
    arguments.out = {a.out, out_row, channels, out_sample};
    arguments.log_sum_exp = a.state.per_sample;
    arguments.scale = static_cast<T>(rsqrt_of<d>);
    return arguments;
  }
};

template <std::size_t Rank>
struct error_attention_input_is_not_of_rank_2;
template <std::size_t Columns, std::size_t Heads>
struct error_attention_columns_are_not_three_times_a_multiple_of_heads;
template <std::size_t Queries, std::size_t Tokens>
struct error_attention_queries_are_none_or_more_than_the_tokens;

namespace detail {
inline constexpr std::size_t all_queries = static_cast<std::size_t>(-1);
template <std::size_t HeadCount, std::size_t Queries, class X>
constexpr auto attention(const X& qkv) {
  using S = typename X::shape;
  if constexpr (S::rank != 2) {
    return refuse<error_attention_input_is_not_of_rank_2<S::rank>>(qkv);
  } else if constexpr (HeadCount == 0 || S::last % (3 * HeadCount) != 0) {
    return refuse<error_attention_columns_are_not_three_times_a_multiple_of_heads<S::last, HeadCount>>(qkv);
  } else if constexpr (Queries == all_queries) {
    return apply(AttentionOp<S, HeadCount>{}, qkv);
  } else if constexpr (Queries == 0 || Queries > S::dims[0]) {
    return refuse<error_attention_queries_are_none_or_more_than_the_tokens<Queries, S::dims[0]>>(qkv);
  } else {
    return apply(AttentionOp<S, HeadCount, Queries>{}, qkv);
  }
}
}  // namespace detail

// qkv [N, 3 C] -> [N, C].
template <std::size_t HeadCount, class X>
constexpr auto attention(X&& qkv) {
  return detail::attention<HeadCount, detail::all_queries>(evaluate(static_cast<X&&>(qkv)));
}
// The first Queries rows of that alone, [N, 3 C] -> [Queries, C], with as much less work: what the class token takes
// from all tokens.
template <std::size_t HeadCount, std::size_t Queries, class X>
constexpr auto attention_of_first(X&& qkv) {
  return detail::attention<HeadCount, Queries>(evaluate(static_cast<X&&>(qkv)));
}

}  // namespace vitrail::inline VITRAIL_TU
