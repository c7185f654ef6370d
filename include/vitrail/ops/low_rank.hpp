// low_rank.hpp - y += scale (x A^T) B^T on all columns of y or on some: what LoRA adds to a product (Hu et al. 2021,
// "LoRA: Low-Rank Adaptation of Large Language Models"). The product of B and A is never formed.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "linear.hpp"
#include "slab.hpp"

namespace vitrail::inline VITRAIL_TU {

// Columns in `count` parts of equal width, of which those with their bit in `mask` are meant: parts{3, 0b101} are
// queries and values of a fused q, k, v.
struct parts {
  std::size_t count = 1;
  unsigned mask = 1;

  constexpr bool has(std::size_t part) const { return mask >> part & 1u; }
  constexpr std::size_t selected() const {
    std::size_t n = 0;
    for (std::size_t p = 0; p < count; ++p) n += has(p);
    return n;
  }
};

// Inputs: y [.., Out], x [.., In], A [selected * Rank, In], B [selected * Out / Count, Rank]: each part has matrices of
// its own, one below the other, so that x is read once for all of them (as in loralib's MergedLinear).
template <class S, std::size_t In, std::size_t Rank, std::size_t Count, unsigned Mask>
struct LowRankOp {
  using shape = S;
  static constexpr const char* name = "low_rank";
  static constexpr std::size_t Out = S::last, width = Out / Count, selected = parts{Count, Mask}.selected(),
                               K = selected * Rank;
  double scale = 1;

  template <class P>
  static constexpr Facts facts(std::array<bool, 4> tracked) {
    const bool inner = tracked[1] || tracked[2];
    Facts f;
    f.flops = 2 * S::rows * K * (In + width);
    f.is_product = true;
    f.backward_flops = 2 * S::rows * K *
                       (width * (std::size_t(inner) + std::size_t(tracked[3])) +
                        In * (std::size_t(tracked[1]) + std::size_t(tracked[2])));
    f.saves = (tracked[2] ? 2u : 0u) | (tracked[1] ? 4u : 0u) | (inner ? 8u : 0u);
    f.alias = 1;
    f.in_place = 1;
    (tracked[3] ? f.state : f.forward_work).per_sample = S::rows * K;  // x A^T
    f.backward_work.per_sample = inner ? S::rows * K : 0;              // its gradient
    const std::size_t down = tracked[2] ? detail::weight_gradient_space<P>(K, In) : 0;
    const std::size_t up = tracked[3] ? detail::weight_gradient_space<P>(width, Rank) : 0;
    f.backward_work.fixed = down > up ? down : up;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 4, Stored>& a) const {
    using T = typename P::value;
    using X = stored_input<0, decltype(a)>;
    const std::size_t rows = a.count * S::rows;
    T* h = a.state.per_sample ? a.state.per_sample : a.work.per_sample;
    Product<T, X> down;
    down.m = rows, down.n = K, down.k = In;
    down.a = input_at<1>(a), down.a_row = In;
    down.b = input_at<2>(a), down.b_row = 1, down.b_column = In, down.packed = a.packed[2];
    down.c = h, down.c_row = K;
    a.backend->product(down);
    std::size_t q = 0;
    for (std::size_t part = 0; part < Count; ++part) {
      if (!parts{Count, Mask}.has(part)) {
        if (a.out != a.in[0]) copy_columns(a, part * width);
        continue;
      }
      Product<T, T, T, X> up;
      up.m = rows, up.n = width, up.k = Rank;
      up.a = h + q * Rank, up.a_row = K;
      up.b = input_at<3>(a) + q * width * Rank, up.b_row = 1, up.b_column = Rank;
      up.packed = Count == 1 ? a.packed[3] : nullptr;  // packed as a whole
      up.c = a.out + part * width, up.c_row = Out;
      up.residual = input_at<0>(a) + part * width, up.residual_row = Out;
      up.scale = static_cast<T>(scale);
      a.backend->product(up);
      ++q;
    }
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 4, Stored>& a) const {
    using T = typename P::value;
    using X = stored_input<0, decltype(a)>;
    const std::size_t rows = a.count * S::rows;
    const auto &y = a.gradient[0], &x = a.gradient[1], &down = a.gradient[2], &up = a.gradient[3];
    if (y.wanted()) detail::copy_or_add(*a.backend, rows * Out, a.out_gradient, gradient_at<0>(a), y.adds());
    T* dh = a.work.per_sample;
    std::size_t q = 0;
    for (std::size_t part = 0; part < Count; ++part) {
      if (!parts{Count, Mask}.has(part)) continue;
      const X* dy = a.out_gradient + part * width;
      if (x.wanted() || down.wanted()) {
        Product<T, X> p;
        p.m = rows, p.n = Rank, p.k = width;
        p.a = dy, p.a_row = Out;
        p.b = input_at<3>(a) + q * width * Rank, p.b_row = Rank;
        p.c = dh + q * Rank, p.c_row = K;
        p.scale = static_cast<T>(scale);
        a.backend->product(p);
      }
      if (up.wanted()) {
        weight_gradient(a, width, Rank, dy, Out, a.state.per_sample + q * Rank, K, static_cast<T>(scale),
                        gradient_at<3>(a) + q * width * Rank, up.adds());
      }
      ++q;
    }
    if (down.wanted()) weight_gradient(a, K, In, dh, K, input_at<1>(a), In, T(1), gradient_at<2>(a), down.adds());
    if (x.wanted()) {
      Product<T, T, T, X> p;
      p.m = rows, p.n = In, p.k = K;
      p.a = dh, p.a_row = K;
      p.b = input_at<2>(a), p.b_row = In;
      p.c = gradient_at<1>(a), p.c_row = In;
      p.accumulate = x.adds();
      a.backend->product(p);
    }
  }

 private:
  template <class A>
  static void copy_columns(const A& a, std::size_t first) {
    StridedAxes axes;
    axes.push_back({a.count * S::rows, Out, Out});
    axes.push_back({width, 1, 1});
    detail::strided_copy(*a.backend, axes, input_at<0>(a) + first, a.out + first, false);
  }
  // Of a matrix [out, in] from dy [rows, dy_row] and x [rows, x_row].
  template <class A, class Y, class X, class T>
  static void weight_gradient(const A& a, std::size_t out, std::size_t in, const Y* dy, std::size_t dy_row, const X* x,
                              std::size_t x_row, T factor, T* to, bool adds) {
    WeightGradient<T, Y, X> g;
    g.rows = a.count * S::rows, g.out = out, g.in = in;
    g.dy = dy, g.dy_row = static_cast<std::ptrdiff_t>(dy_row), g.x = x, g.x_row = static_cast<std::ptrdiff_t>(x_row);
    g.scale = factor, g.work = a.work.fixed, g.dw = to, g.add_w = adds;
    detail::weight_gradient(*a.backend, g);
  }
};

template <std::size_t Columns, std::size_t Parts>
struct error_low_rank_columns_do_not_divide_into_the_parts;
template <class Given, class Result>
struct error_low_rank_input_has_not_the_rows_of_the_result;
template <class Given, class Expected>
struct error_low_rank_first_matrix_is_not_parts_times_rank_by_in;
template <class Given, class Expected>
struct error_low_rank_second_matrix_is_not_columns_by_rank;
template <class A, class B>
struct error_low_rank_matrix_is_not_one_for_the_whole_batch;

namespace detail {
template <parts Parts, class Y, class X, class A, class B>
constexpr auto low_rank(const Y& y, const X& x, const A& a, const B& b, double scale) {
  using S = typename Y::shape;
  constexpr std::size_t selected = Parts.selected(), Rank = B::shape::rank == 2 ? B::shape::last : 0;
  if constexpr (selected == 0 || S::rank == 0 || S::last % Parts.count != 0) {
    return refuse<error_low_rank_columns_do_not_divide_into_the_parts<S::last, Parts.count>>(y, x, a, b);
  } else if constexpr (X::shape::rank == 0 || X::shape::rows != S::rows || is_one_for_all<X>() != is_one_for_all<Y>()) {
    return refuse<error_low_rank_input_has_not_the_rows_of_the_result<typename X::shape, S>>(y, x, a, b);
  } else if constexpr (Rank == 0 || B::shape::rows != selected * (S::last / Parts.count)) {
    using Expected = Shape<selected*(S::last / Parts.count), Rank>;
    return refuse<error_low_rank_second_matrix_is_not_columns_by_rank<typename B::shape, Expected>>(y, x, a, b);
  } else if constexpr (!std::is_same_v<typename A::shape, Shape<selected * Rank, X::shape::last>>) {
    using Expected = Shape<selected * Rank, X::shape::last>;
    return refuse<error_low_rank_first_matrix_is_not_parts_times_rank_by_in<typename A::shape, Expected>>(y, x, a, b);
  } else if constexpr (!is_one_for_all<A>() || !is_one_for_all<B>()) {
    return refuse<error_low_rank_matrix_is_not_one_for_the_whole_batch<typename A::shape, typename B::shape>>(y, x, a,
                                                                                                              b);
  } else {
    return apply(LowRankOp<S, X::shape::last, Rank, Parts.count, Parts.mask>{scale}, y, x, a, b);
  }
}
}  // namespace detail

// y + scale (x A^T) B^T: y [.., Out], x [.., In], A [Rank, In], B [Out, Rank]. With parts, on the columns of these
// alone: A [selected * Rank, In] and B [selected * Out / count, Rank] are the matrices of the selected ones, one below
// the other.
template <parts Parts = parts{}, class Y, class X, class A, class B>
constexpr auto low_rank(Y&& y, X&& x, A&& a, B&& b, double scale = 1) {
  return detail::low_rank<Parts>(evaluate(static_cast<Y&&>(y)), evaluate(static_cast<X&&>(x)),
                                 evaluate(static_cast<A&&>(a)), evaluate(static_cast<B&&>(b)), scale);
}

}  // namespace vitrail::inline VITRAIL_TU
