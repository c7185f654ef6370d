// rearrange.hpp - axes by name: vt::rearrange<"c (h p) (w q) -> (h w) (c p q)", vt::with{.p = 16, .q = 16}>(x), and
// vt::repeat. einops.rearrange and einops.repeat; the batch is never named.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../shape/bindings.hpp"
#include "../shape/fixed_string.hpp"
#include "move.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// A pattern with what is bound and the shape it is applied to, as constants.
template <FixedString Text, pattern_use Use, with With, class S>
struct Rearrangement {
  static constexpr Pattern pattern = parse_pattern(Text.view(), Use);
  static constexpr Bindings bindings = bound_extents(pattern, Text.view(), With);
  static constexpr AxisExtents extents =
      pattern.ok() ? axis_extents<S>(pattern, bindings.known) : AxisExtents{.error = pattern.error};
};
template <class R, class S>
struct RearrangeMove {
  using from = S;
  static constexpr Extents dims = result_extents(R::pattern, R::extents);
  using shape = shape_from<dims>;
  static constexpr StridedAxes axes = strided_axes(R::pattern, R::extents);
  static constexpr const char* name = has_repeats(axes) ? "repeat" : "rearrange";
};

}  // namespace detail

template <pattern_error What, std::size_t Position>
struct error_rearrange_pattern_is_not_valid;
template <char Letter>
struct error_rearrange_binds_an_axis_that_the_pattern_does_not_have;
template <std::size_t Position>
struct error_rearrange_axis_has_no_extent_bind_it_with_vt_with;
template <pattern_error What, std::size_t Expected, std::size_t Found>
struct error_rearrange_shape_does_not_fit_the_pattern;
template <pattern_error What, std::size_t Position>
struct error_repeat_pattern_is_not_valid;
template <char Letter>
struct error_repeat_binds_an_axis_that_the_pattern_does_not_have;
template <std::size_t Position>
struct error_repeat_axis_has_no_extent_bind_it_with_vt_with;
template <pattern_error What, std::size_t Expected, std::size_t Found>
struct error_repeat_shape_does_not_fit_the_pattern;

// x -> the axes right of the arrow, which are those left of it in any order and grouping. Extents that the shape of x
// does not tell are bound: `(h p)` with .p = 16. If elements stay in their order it is free, as reshape; else a copy.
template <FixedString Text, with With = with{}, Operand X>
constexpr auto rearrange(X&& x) {
  const auto v = evaluate(static_cast<X&&>(x));
  using S = typename std::remove_cvref_t<decltype(v)>::shape;
  using R = detail::Rearrangement<Text, pattern_use::rearrange, With, S>;
  if constexpr (!R::pattern.ok()) {
    return refuse<error_rearrange_pattern_is_not_valid<R::pattern.error, R::pattern.position>>(v);
  } else if constexpr (R::bindings.unknown != 0) {
    return refuse<error_rearrange_binds_an_axis_that_the_pattern_does_not_have<R::bindings.unknown>>(v);
  } else if constexpr (R::extents.error == pattern_error::extent_unknown) {
    return refuse<error_rearrange_axis_has_no_extent_bind_it_with_vt_with<R::pattern.axes[R::extents.axis].position>>(
        v);
  } else if constexpr (!R::extents.ok()) {
    return refuse<
        error_rearrange_shape_does_not_fit_the_pattern<R::extents.error, R::extents.expected, R::extents.found>>(v);
  } else {
    return detail::move<detail::RearrangeMove<R, S>>(v);
  }
}
// As rearrange, but axes may stand on the right alone: along these, whose extents are bound, x is repeated. A gradient
// is the sum over the repetitions, in a fixed order.
template <FixedString Text, with With = with{}, Operand X>
constexpr auto repeat(X&& x) {
  const auto v = evaluate(static_cast<X&&>(x));
  using S = typename std::remove_cvref_t<decltype(v)>::shape;
  using R = detail::Rearrangement<Text, pattern_use::repeat, With, S>;
  if constexpr (!R::pattern.ok()) {
    return refuse<error_repeat_pattern_is_not_valid<R::pattern.error, R::pattern.position>>(v);
  } else if constexpr (R::bindings.unknown != 0) {
    return refuse<error_repeat_binds_an_axis_that_the_pattern_does_not_have<R::bindings.unknown>>(v);
  } else if constexpr (R::extents.error == pattern_error::extent_unknown) {
    return refuse<error_repeat_axis_has_no_extent_bind_it_with_vt_with<R::pattern.axes[R::extents.axis].position>>(v);
  } else if constexpr (!R::extents.ok()) {
    return refuse<error_repeat_shape_does_not_fit_the_pattern<R::extents.error, R::extents.expected, R::extents.found>>(
        v);
  } else {
    return detail::move<detail::RearrangeMove<R, S>>(v);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
