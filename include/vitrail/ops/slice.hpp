// slice.hpp - a part of an axis, and an axis with something round it: each is the other's gradient.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "move.hpp"
#include "slab.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class S, std::size_t Axis, std::size_t Begin, std::size_t Extent, std::size_t Step>
struct SliceOp {
  using shape = with_extent<S, Axis, Extent>;
  static constexpr const char* name = "slice";
  static constexpr detail::Slab slab = detail::slab_of<S>(Axis, Begin, Extent, Step);

  template <class P>
  static constexpr Facts facts(std::array<bool, 1>) {
    Facts f;
    f.partial = 1;
    f.recompute_cost = shape::size * elementwise_cost;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    detail::read_slab(*a.backend, slab, a.count, input_at<0>(a), a.out);
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    auto* const to = gradient_at<0>(a);
    if (g.mode == Mode::write_zero_rest) {
      if constexpr (Step == 1) {
        detail::fill_slab(*a.backend, slab.before(), a.count, to, 0);
        detail::fill_slab(*a.backend, slab.behind(), a.count, to, 0);
      } else {
        detail::fill_slab(*a.backend, detail::slab_of<S>(Axis, 0, S::dims[Axis]), a.count, to, 0);
      }
    }
    detail::write_slab(*a.backend, slab, a.count, a.out_gradient, to, g.adds());
  }
};
template <class S, std::size_t Axis, std::size_t Before, std::size_t After>
struct PadOp {
  using shape = with_extent<S, Axis, Before + S::dims[Axis] + After>;
  static constexpr const char* name = "pad";
  static constexpr detail::Slab slab = detail::slab_of<shape>(Axis, Before, S::dims[Axis]);
  double value = 0;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1>) {
    Facts f;
    f.recompute_cost = shape::size * elementwise_cost;
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    const auto fill = static_cast<typename P::value>(value);
    detail::fill_slab(*a.backend, slab.before(), a.count, a.out, fill);
    detail::write_slab(*a.backend, slab, a.count, input_at<0>(a), a.out);
    detail::fill_slab(*a.backend, slab.behind(), a.count, a.out, fill);
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    const auto& g = a.gradient[0];
    if (g.wanted()) detail::read_slab(*a.backend, slab, a.count, a.out_gradient, gradient_at<0>(a), g.adds());
  }
};

template <std::size_t Axis, std::size_t Rank>
struct error_slice_axis_is_not_below_the_rank;
template <std::size_t Begin, std::size_t End, std::size_t Extent>
struct error_slice_range_is_empty_or_not_within_the_axis;
template <std::size_t Axis>
struct error_slice_step_is_zero;
template <std::size_t Axis, std::size_t Rank>
struct error_pad_axis_is_not_below_the_rank;

// Indices Begin, Begin + Step, .. below End of one axis. slice<1, 2, 5>(x) is x[:, 2:5] of NumPy.
template <std::size_t Axis, std::size_t Begin, std::size_t End, std::size_t Step = 1, Operand X>
constexpr auto slice(X&& x) {
  const auto v = evaluate(static_cast<X&&>(x));
  using S = typename std::remove_cvref_t<decltype(v)>::shape;
  if constexpr (Axis >= S::rank) {
    return refuse<error_slice_axis_is_not_below_the_rank<Axis, S::rank>>(v);
  } else if constexpr (Begin >= End || End > S::dims[Axis]) {
    return refuse<error_slice_range_is_empty_or_not_within_the_axis<Begin, End, S::dims[Axis]>>(v);
  } else if constexpr (Step == 0) {
    return refuse<error_slice_step_is_zero<Axis>>(v);
  } else {
    return apply(SliceOp<S, Axis, Begin, (End - Begin + Step - 1) / Step, Step>{}, v);
  }
}
// `value`, Before times in front of an axis and After times behind it. numpy.pad with mode="constant".
template <std::size_t Axis, std::size_t Before, std::size_t After, Operand X>
constexpr auto pad(X&& x, double value = 0) {
  const auto v = evaluate(static_cast<X&&>(x));
  using S = typename std::remove_cvref_t<decltype(v)>::shape;
  if constexpr (Axis >= S::rank) {
    return refuse<error_pad_axis_is_not_below_the_rank<Axis, S::rank>>(v);
  } else {
    return apply(PadOp<S, Axis, Before, After>{value}, v);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
