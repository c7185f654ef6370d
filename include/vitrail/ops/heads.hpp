// heads.hpp - a fused qkv taken apart into heads, and heads put together again, for attention written out by hand.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include "../autodiff/driver.hpp"
#include "../backend/rows.hpp"
#include "../expr/evaluate.hpp"
#include "copy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Between heads [H, N, d] and the columns [first, first + H d) of rows of `columns`; a program row is one token of one
// head.
template <class T>
struct MoveHeads {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  std::size_t heads, tokens, channels, columns, first;
  const T* from;
  T* to;
  bool to_heads, adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t n = r % tokens, h = r / tokens % heads, sample = r / (tokens * heads);
    const std::size_t in_columns = (sample * tokens + n) * columns + first + h * channels;
    const T* source = from + (to_heads ? in_columns : r * channels);
    T* target = to + (to_heads ? r * channels : in_columns);
    row.each(channels, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, get<L>(source, j), adds); });
  }
};

}  // namespace detail

// [N, Parts H d] -> [H, N, d]: part `which`.
template <class S, std::size_t HeadCount, std::size_t Parts>
struct HeadsOp {
  static constexpr std::size_t N = S::dims[0], C = S::last / Parts, d = C / HeadCount;
  using shape = Shape<HeadCount, N, d>;
  static constexpr const char* name = "heads";
  std::size_t which;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1>) {
    Facts f;
    f.partial = Parts > 1 ? 1 : 0;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    move(a, input_at<0>(a), a.out, true, false);
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    if (g.mode == Mode::write_zero_rest) {
      a.backend->rows(a.count * N, S::last, detail::ZeroOtherColumns<X>{S::last, which * C, C, gradient_at<0>(a)});
    }
    move(a, a.out_gradient, gradient_at<0>(a), false, g.adds());
  }

 private:
  template <class A, class T>
  void move(const A& a, const T* from, T* to, bool to_heads, bool adds) const {
    a.backend->rows(a.count * HeadCount * N, d,
                    detail::MoveHeads<T>{HeadCount, N, d, S::last, which * C, from, to, to_heads, adds});
  }
};
// [H, N, d] -> [N, H d].
template <class S>
struct MergeHeadsOp {
  static constexpr std::size_t H = S::dims[0], N = S::dims[1], d = S::last;
  using shape = Shape<N, H * d>;
  static constexpr const char* name = "merge_heads";

  template <class P>
  static constexpr Facts facts(std::array<bool, 1>) {
    return {};
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    move(a, input_at<0>(a), a.out, false, false);
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    if (a.gradient[0].wanted()) move(a, a.out_gradient, gradient_at<0>(a), true, a.gradient[0].adds());
  }

 private:
  template <class A, class T>
  static void move(const A& a, const T* from, T* to, bool to_heads, bool adds) {
    a.backend->rows(a.count * H * N, d, detail::MoveHeads<T>{H, N, d, H * d, 0, from, to, to_heads, adds});
  }
};

template <std::size_t Rank>
struct error_heads_input_is_not_of_rank_2;
template <std::size_t Rank>
struct error_merge_heads_input_is_not_of_rank_3;
template <std::size_t Columns, std::size_t Divisor>
struct error_heads_columns_are_not_a_multiple_of_parts_times_heads;

namespace detail {
template <std::size_t HeadCount, std::size_t Parts, class X>
constexpr auto head_part(const X& x, std::size_t which) {
  using S = typename X::shape;
  if constexpr (S::rank != 2) {
    return refuse<error_heads_input_is_not_of_rank_2<S::rank>>(x);
  } else if constexpr (Parts * HeadCount == 0 || S::last % (Parts * HeadCount) != 0) {
    return refuse<error_heads_columns_are_not_a_multiple_of_parts_times_heads<S::last, Parts * HeadCount>>(x);
  } else {
    return apply(HeadsOp<S, HeadCount, Parts>{which}, x);
  }
}

template <std::size_t HeadCount, std::size_t Parts, class X>
constexpr auto heads(const X& x) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple{detail::head_part<HeadCount, Parts>(x, I)...};
  }
  (std::make_index_sequence<(Parts > 0 ? Parts : 1)>{});  // none is refused too
}
}  // namespace detail

// x [N, Parts H d] -> Parts times [H, N, d], a std::tuple: `auto [q, k, v] = vt::heads<H>(qkv(x))`.
template <std::size_t HeadCount, std::size_t Parts = 3, class X>
constexpr auto heads(X&& x) {
  return detail::heads<HeadCount, Parts>(evaluate(static_cast<X&&>(x)));
}
namespace detail {
template <class X>
constexpr auto merge_heads(const X& x) {
  using S = typename X::shape;
  if constexpr (S::rank != 3) {
    return refuse<error_merge_heads_input_is_not_of_rank_3<S::rank>>(x);
  } else {
    return apply(MergeHeadsOp<S>{}, x);
  }
}
}  // namespace detail

// x [H, N, d] -> [N, H d], heads side by side.
template <class X>
constexpr auto merge_heads(X&& x) {
  return detail::merge_heads(evaluate(static_cast<X&&>(x)));
}

}  // namespace vitrail::inline VITRAIL_TU
