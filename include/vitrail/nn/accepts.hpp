// accepts.hpp - questions about a module's types, answered without an error: does it take inputs of these shapes, and
// what shape has its result?
#pragma once

#include <tuple>
#include <type_traits>

#include "../autodiff/probe.hpp"
#include "module.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class Result>
struct error_forward_does_not_return_one_Var;

namespace detail {

// An input of this shape for each sample.
template <bool Silent, class S>
using ProbeVar = Var<S, true, false, Probe<Silent>>;

template <class Y>
inline constexpr bool is_a_result = !is_refused<Y>;
template <>
inline constexpr bool is_a_result<void> = false;
template <class... Y>
inline constexpr bool is_a_result<std::tuple<Y...>> =
    (is_a_result<Y> && ...);  // NOLINT(misc-redundant-expression): a tuple of one type twice

template <class M, class... S>
constexpr bool accepts_inputs() {
  if constexpr (requires(const M& module, const ProbeVar<true, S>&... x) { module.forward(x...); }) {
    return is_a_result<decltype(std::declval<const M&>()(std::declval<const ProbeVar<true, S>&>()...))>;
  } else {
    return false;
  }
}

template <class Y>
struct ShapeOf {
  static_assert(sizeof(error_forward_does_not_return_one_Var<Y>));
};
template <class S, bool Batched, bool Tracked, class Context>
struct ShapeOf<Var<S, Batched, Tracked, Context>> {
  using type = S;
};

}  // namespace detail

// Does M's forward take one input per sample of each of these shapes? `static_assert(vt::accepts<Net, vt::Shape<3, 32,
// 32>>)`; a wrong number of inputs is a no as well. Nothing is run, so forward need not be constexpr. Only what the
// operations refuse is a no: an error in forward's own code stays one, also where it computes with the shape of a
// result that was refused (its rank is 0).
template <class M, class... Shapes>
inline constexpr bool accepts = detail::accepts_inputs<M, Shapes...>();

// The shape per sample of M's result for such inputs, or the error of the operation that does not take them.
template <class M, class... Shapes>
using output_shape = typename detail::ShapeOf<decltype(std::declval<const M&>()(
    std::declval<const detail::ProbeVar<false, Shapes>&>()...))>::type;

}  // namespace vitrail::inline VITRAIL_TU
