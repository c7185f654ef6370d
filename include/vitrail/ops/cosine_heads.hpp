// cosine_heads.hpp - queries and keys of length one, so that their products are cosines (Liu et al. 2022, Swin v2).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/lane_math.hpp"
#include "../backend/rows.hpp"
#include "../backend/strided.hpp"
#include "../expr/evaluate.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// A row is a token, [3, heads, d]. Below this length a vector is not stretched (torch.nn.functional.normalize).
inline constexpr double shortest_head = 1e-12;
// The factor of a head's queries: exp(min(logit, log 100)).
template <class T>
VITRAIL_FUNCTION T cosine_scale(T logit) {
  const T most = static_cast<T>(4.60517018598809136804);
  return vitrail::exp(logit < most ? logit : most);
}
template <class T>
struct CosineHeads {
  using value = T;
  std::size_t heads, d;
  const T *x, *logits;
  T *y, *inverse;  // one over the length of each query and key, [2, heads] of a token; null: not kept
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t C = heads * d;
    for (std::size_t part = 0; part < 2 * heads; ++part) {
      const T* in = x + r * 3 * C + part * d;
      T* out = y + r * 3 * C + part * d;
      const T squares = row.sum(d, [&](auto j) VITRAIL_LAMBDA {
        const L z = get<L>(in, j);
        return z * z;
      });
      const T length = vitrail::sqrt(squares), least = static_cast<T>(shortest_head);
      const T factor = T(1) / (length < least ? least : length);
      if (inverse) inverse[r * 2 * heads + part] = factor;
      const L times = L(part < heads ? factor * cosine_scale(logits[part]) : factor);
      row.each(d, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(in, j) * times); });
    }
    if (x == y) return;
    const T* values = x + r * 3 * C + 2 * C;
    T* to = y + r * 3 * C + 2 * C;
    row.each(C, [&](auto j) VITRAIL_LAMBDA { put<L>(to, j, get<L>(values, j)); });
  }
};
// With u = x / |x| and y = s u: dx = s / |x| (dy - u (u . dy)), from y alone; and y . dy for the gradient of s.
template <class T>
struct CosineHeadsBackward {
  using value = T;
  std::size_t heads, d;
  const T *y, *logits, *inverse, *dy;
  T *dx, *dots;  // dots [heads] of a token; either may be null
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t C = heads * d;
    for (std::size_t part = 0; part < 2 * heads; ++part) {
      const std::size_t at = r * 3 * C + part * d;
      const T *out = y + at, *up = dy + at;
      const T dot = row.sum(d, [&](auto j) VITRAIL_LAMBDA { return get<L>(out, j) * get<L>(up, j); });
      if (dots && part < heads) dots[r * heads + part] = dot;
      if (!dx) continue;
      const T s = part < heads ? cosine_scale(logits[part]) : T(1);
      const L factor = L(s * inverse[r * 2 * heads + part]), along = L(dot / (s * s));
      T* to = dx + at;
      row.each(d,
               [&](auto j) VITRAIL_LAMBDA { put<L>(to, j, factor * (get<L>(up, j) - get<L>(out, j) * along), adds); });
    }
    if (!dx) return;
    const T* values = dy + r * 3 * C + 2 * C;
    T* to = dx + r * 3 * C + 2 * C;
    row.each(C, [&](auto j) VITRAIL_LAMBDA { put<L>(to, j, get<L>(values, j), adds); });
  }
};
// Sums dots over tokens; nothing where the logit is held at its most.
template <class T>
struct LogitSums {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t heads;
  const T *dots, *logits;
  template <class L, class J>
  VITRAIL_FUNCTION void add(std::size_t r, J j, L (&sums)[1]) const {
    const L limit = L(static_cast<T>(4.60517018598809136804));
    sums[0] += select(limit < get<L>(logits, j), constant<L>(0), get<L>(dots + r * heads, j));
  }
};

}  // namespace detail

// Inputs: qkv [N, 3 C], logits [heads, ..]; output [N, 3 C].
template <class S, std::size_t HeadCount>
struct CosineHeadsOp {
  using shape = S;
  static constexpr const char* name = "cosine_heads";
  static constexpr std::size_t N = S::rows, d = S::last / 3 / HeadCount;

  template <class P>
  static constexpr Facts facts(std::array<bool, 2> tracked) {
    Facts f;
    f.flops = 4 * S::size;
    f.backward_flops = tracked[0] || tracked[1] ? 6 * S::size : 0;
    f.saves = output_bit | 2u;
    f.in_place = 1;
    f.state.per_sample = tracked[0] || tracked[1] ? 2 * N * HeadCount : 0;
    f.backward_work.per_sample = tracked[1] ? N * HeadCount : 0;
    f.backward_work.fixed = tracked[1] ? columns_workspace(HeadCount, 1) : 0;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 2>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count * N, S::last,
                    detail::CosineHeads<T>{HeadCount, d, a.in[0], a.in[1], a.out, a.state.per_sample});
  }
  template <class P>
  void backward(const Arguments<P, 2>& a) const {
    using T = typename P::value;
    const auto &x = a.gradient[0], &logits = a.gradient[1];
    T* dots = logits.wanted() ? a.work.per_sample : nullptr;
    a.backend->rows(a.count * N, S::last,
                    detail::CosineHeadsBackward<T>{HeadCount, d, a.out, a.in[1], a.state.per_sample, a.out_gradient,
                                                   x.wanted() ? x.at : nullptr, dots, x.adds()});
    if (dots) {
      a.backend->template columns<1>(a.count * N, HeadCount, detail::LogitSums<T>{HeadCount, dots, a.in[1]},
                                     Columns<T, 1>{{logits.at}, {logits.adds()}, a.work.fixed});
    }
  }
};

template <std::size_t Rank>
struct error_cosine_heads_input_is_not_of_rank_2;
template <std::size_t Columns, std::size_t Heads>
struct error_cosine_heads_columns_are_not_three_times_a_multiple_of_heads;
template <std::size_t Heads>
struct error_cosine_heads_logits_are_not_one_for_the_whole_batch;

namespace detail {
template <class X, class S>
constexpr auto cosine_heads(const X& qkv, const S& logits) {
  using Given = typename X::shape;
  constexpr std::size_t heads = S::shape::size;
  if constexpr (Given::rank != 2) {
    return refuse<error_cosine_heads_input_is_not_of_rank_2<Given::rank>>(qkv, logits);
  } else if constexpr (heads == 0 || Given::last % (3 * heads) != 0) {
    return refuse<error_cosine_heads_columns_are_not_three_times_a_multiple_of_heads<Given::last, heads>>(qkv, logits);
  } else if constexpr (!is_one_for_all<S>()) {
    return refuse<error_cosine_heads_logits_are_not_one_for_the_whole_batch<heads>>(qkv, logits);
  } else {
    return apply(CosineHeadsOp<Given, heads>{}, qkv, logits);
  }
}
}  // namespace detail

// qkv [N, 3 C], columns as for attention; logits [heads] (further axes of extent 1 are fine) -> [N, 3 C]: each head's
// query and key divided by its length, the query times exp(min(logit, log 100)); values as they are. The scores of an
// attention of it, with scale 1, are scaled cosines.
template <class X, class S>
constexpr auto cosine_heads(X&& qkv, S&& logits) {
  return detail::cosine_heads(evaluate(static_cast<X&&>(qkv)), evaluate(static_cast<S&&>(logits)));
}

}  // namespace vitrail::inline VITRAIL_TU
