// concat.hpp - values one behind the other along an axis, or side by side along a new one.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "move.hpp"
#include "slab.hpp"
#include "strided_sum.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The first thing in which the operands S, First do not fit; Same: the axis Axis must agree too.
struct ConcatMisfit {
  std::size_t operand = 0, axis = 0, expected = 0, found = 0;
  bool is_rank = false;
  constexpr bool ok() const { return expected == found; }
};
template <std::size_t Axis, bool Same, class First, class... S>
constexpr ConcatMisfit concat_misfit() {
  ConcatMisfit misfit;
  std::size_t operand = 0;
  const auto look = [&](const auto& dims) {
    if (!misfit.ok()) return;
    if (dims.size() != First::rank) misfit = {operand, 0, First::rank, dims.size(), true};
    for (std::size_t i = 0; i < dims.size() && misfit.ok(); ++i) {
      if (Same || i != Axis) misfit = {operand, i, First::dims[i], dims[i]};
    }
    ++operand;
  };
  look(First::dims);
  (look(S::dims), ...);
  return misfit;
}
template <class V>
inline constexpr std::size_t one_of = 1;
// S with a new axis of `Extent` before the axis Axis.
template <class S, std::size_t Axis, std::size_t Extent, class Indices = std::make_index_sequence<S::rank + 1>>
struct Inserted;
template <class S, std::size_t Axis, std::size_t Extent, std::size_t... I>
struct Inserted<S, Axis, Extent, std::index_sequence<I...>> {
  using type = Shape<(I == Axis ? Extent : S::dims[I < Axis || I == 0 ? I : I - 1])...>;
};
template <std::size_t Axis, std::size_t Extent>
struct Inserted<Shape<>, Axis, Extent, std::index_sequence<0>> {
  using type = Shape<Extent>;
};

}  // namespace detail

// S is the result; operand i has extents[i] of its axis Axis and is one for each sample if bit i of Batched is set.
// Operands that are one for all samples are repeated.
template <class S, std::size_t Axis, bool Stacks, unsigned Batched, std::size_t... Of>
struct ConcatOp {
  using shape = S;
  static constexpr const char* name = Stacks ? "stack" : "concat";
  static constexpr std::size_t N = sizeof...(Of);
  static constexpr std::array<std::size_t, N> extents{Of...};

  template <class P>
  static constexpr Facts facts(std::array<bool, N>) {
    Facts f;
    f.recompute_cost = S::size * elementwise_cost;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, N>& a) const {
    for (std::size_t i = 0; i < N; ++i) {
      detail::strided_copy(*a.backend, axes(i, a.count), a.in[i], a.out + slab(i).offset());
    }
  }
  template <class P>
  void backward(const Arguments<P, N>& a) const {
    for (std::size_t i = 0; i < N; ++i) {
      const auto& g = a.gradient[i];
      if (!g.wanted()) continue;
      const auto* from = a.out_gradient + slab(i).offset();
      if (is_repeated(i)) {
        detail::strided_sum(*a.backend, axes(i, a.count), from, g.at, g.adds());
      } else {
        detail::read_slab(*a.backend, slab(i), a.count, a.out_gradient, g.at, g.adds());
      }
    }
  }

 private:
  static constexpr bool is_repeated(std::size_t i) { return Batched != 0 && !((Batched >> i) & 1); }
  static constexpr detail::Slab slab(std::size_t i) {
    std::size_t first = 0;
    for (std::size_t k = 0; k < i; ++k) first += extents[k];
    return detail::slab_of<S>(Axis, first, extents[i]);
  }
  // From operand i into the result.
  static StridedAxes axes(std::size_t i, std::size_t count) {
    StridedAxes axes = slab(i).samples(count);
    for (StridedAxis& axis : axes) std::swap(axis.in, axis.out);
    if (is_repeated(i)) axes[0].in = 0;
    return axes;
  }
};

template <std::size_t Axis, std::size_t Rank>
struct error_concat_axis_is_not_below_the_rank;
template <std::size_t Operand, std::size_t Expected, std::size_t Found>
struct error_concat_operand_has_another_rank_than_the_first;
template <std::size_t Operand, std::size_t Axis, std::size_t Expected, std::size_t Found>
struct error_concat_operand_has_another_extent_than_the_first;
template <std::size_t Axis, std::size_t Rank>
struct error_stack_axis_is_not_at_most_the_rank;
template <std::size_t Operand, std::size_t Expected, std::size_t Found>
struct error_stack_operand_has_another_rank_than_the_first;
template <std::size_t Operand, std::size_t Axis, std::size_t Expected, std::size_t Found>
struct error_stack_operand_has_another_extent_than_the_first;

namespace detail {

template <class... V>
constexpr unsigned batched_mask() {
  unsigned mask = 0, i = 0;
  ((mask |= unsigned(!is_one_for_all<V>()) << i++), ...);
  return mask;
}
template <std::size_t Axis, class First, class... V>
constexpr auto concat(const First& first, const V&... v) {
  using S = typename First::shape;
  constexpr ConcatMisfit misfit = concat_misfit<Axis, false, S, typename V::shape...>();
  if constexpr (Axis >= S::rank) {
    return refuse<error_concat_axis_is_not_below_the_rank<Axis, S::rank>>(first, v...);
  } else if constexpr (misfit.is_rank) {
    return refuse<error_concat_operand_has_another_rank_than_the_first<misfit.operand, misfit.expected, misfit.found>>(
        first, v...);
  } else if constexpr (!misfit.ok()) {
    return refuse<error_concat_operand_has_another_extent_than_the_first<misfit.operand, misfit.axis, misfit.expected,
                                                                         misfit.found>>(first, v...);
  } else {
    constexpr std::size_t extent = (S::dims[Axis] + ... + V::shape::dims[Axis]);
    using Op = ConcatOp<with_extent<S, Axis, extent>, Axis, false, batched_mask<First, V...>(), S::dims[Axis],
                        V::shape::dims[Axis]...>;
    return apply(Op{}, first, v...);
  }
}
template <std::size_t Axis, class First, class... V>
constexpr auto stack(const First& first, const V&... v) {
  using S = typename First::shape;
  constexpr ConcatMisfit misfit = concat_misfit<Axis, true, S, typename V::shape...>();
  if constexpr (Axis > S::rank) {
    return refuse<error_stack_axis_is_not_at_most_the_rank<Axis, S::rank>>(first, v...);
  } else if constexpr (misfit.is_rank) {
    return refuse<error_stack_operand_has_another_rank_than_the_first<misfit.operand, misfit.expected, misfit.found>>(
        first, v...);
  } else if constexpr (!misfit.ok()) {
    return refuse<error_stack_operand_has_another_extent_than_the_first<misfit.operand, misfit.axis, misfit.expected,
                                                                        misfit.found>>(first, v...);
  } else {
    using Result = typename Inserted<S, Axis, 1 + sizeof...(V)>::type;
    using Op = ConcatOp<Result, Axis, true, batched_mask<First, V...>(), 1, one_of<V>...>;
    return apply(Op{}, first, v...);
  }
}

}  // namespace detail

// Operands that have one shape but for the extents of the axis Axis, one behind the other along it: concat<0>(a, b) of
// a [N, D] and b [M, D] is [N + M, D]. A parameter, or what is one for all samples, stands in every sample, and its
// gradient is the sum over them in their order. Up to 8 operands. numpy.concatenate, torch.cat.
template <std::size_t Axis, Operand... X>
requires(sizeof...(X) > 0) constexpr auto concat(X&&... x) {
  return detail::concat<Axis>(evaluate(static_cast<X&&>(x))...);
}
// Operands of one shape along a new axis: stack<0>(a, b) of [N, D] is [2, N, D], stack<2>(a, b) is [N, D, 2].
// numpy.stack.
template <std::size_t Axis, Operand... X>
requires(sizeof...(X) > 0) constexpr auto stack(X&&... x) {
  return detail::stack<Axis>(evaluate(static_cast<X&&>(x))...);
}

}  // namespace vitrail::inline VITRAIL_TU
