// reduce_op.hpp - a reduction over axes of each sample as an operation.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../shape/bindings.hpp"
#include "../shape/fixed_string.hpp"
#include "reduce_programs.hpp"
#include "reducers.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// A pattern with one operand of shape S, as constants.
template <FixedString Text, pattern_use Use, class S, with Bound>
struct PatternReduction {
  static constexpr Pattern pattern = parse_pattern(Text.view(), Use, 1);
  static constexpr Bindings bindings = bound_extents(pattern, Text.view(), Bound);
  static constexpr AxisExtents extents = pattern.ok() ? axis_extents<S>(pattern, bindings.known) : AxisExtents{};
  static constexpr bool ok = pattern.ok() && extents.ok() && bindings.unknown == 0;
  static constexpr Extents dims = ok ? result_extents(pattern, extents) : Extents{};
  static constexpr ReduceAxes axes = ok ? reduce_axes(pattern, extents) : ReduceAxes{};
  using shape = shape_from<dims>;
  using input = S;
};

// Axes by number as a user gives them, -1 being the last one; no number: all of them.
struct AxisChoice {
  FixedVector<bool, max_pattern_rank> reduced;
  FixedVector<int, 1> out_of_range, repeated;  // the first that is no axis, or that stands there twice
  constexpr bool ok() const { return out_of_range.empty() && repeated.empty(); }
};
constexpr AxisChoice choose_axes(std::size_t rank, std::initializer_list<int> axes) {
  AxisChoice choice;
  for (std::size_t i = 0; i < rank; ++i) choice.reduced.push_back(axes.size() == 0);
  for (const int axis : axes) {
    const int counted = axis < 0 ? axis + static_cast<int>(rank) : axis;
    if (counted < 0 || counted >= static_cast<int>(rank)) {
      if (choice.ok()) choice.out_of_range.push_back(axis);
      continue;
    }
    bool& reduced = choice.reduced[static_cast<std::size_t>(counted)];
    if (reduced && choice.ok()) choice.repeated.push_back(axis);
    reduced = true;
  }
  return choice;
}
template <class S>
constexpr Extents extents_of() {
  Extents extents;
  for (const std::size_t extent : S::dims) extents.push_back(extent);
  return extents;
}
constexpr Extents kept_extents(const Extents& all, const AxisChoice& choice) {
  Extents kept;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!choice.reduced[i]) kept.push_back(all[i]);
  }
  return kept;
}
template <class S, int... Axes>
struct AxisReduction {
  static constexpr AxisChoice choice = choose_axes(S::rank, {Axes...});
  static constexpr Extents dims = kept_extents(extents_of<S>(), choice);
  static constexpr ReduceAxes axes = reduce_axes(extents_of<S>(), choice.reduced);
  using shape = shape_from<dims>;
  using input = S;
};

}  // namespace detail

// E: a detail::PatternReduction or AxisReduction. Kind: one of vt::op.
template <class E, class Kind>
struct ReduceOp {
  using shape = typename E::shape;
  static constexpr const char* name = Kind::name;
  static constexpr std::size_t in = E::input::size, out = shape::size, terms = out == 0 ? 0 : in / out;
  Kind kind;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.flops = Kind::flops * in;
    f.backward_flops = tracked[0] ? Kind::flops * in : 0;
    f.saves = tracked[0] ? Kind::saves : 0;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const auto reducer = kind.template reducer<T>(terms);
    using Reducer = std::remove_const_t<decltype(reducer)>;
    const ReducePlan plan = lower_reduce(E::axes, a.count, in, out);
    if (plan.reduces_run()) {
      a.backend->rows(a.count * out, terms, detail::ReduceRuns<T, Reducer>{plan, reducer, a.in[0], a.out});
    } else {
      const std::size_t blocks = ReducePlan::turns(plan.kept) * detail::lane_blocks(plan);
      a.backend->rows(blocks, detail::lane_block * terms,
                      detail::ReduceLanes<T, Reducer>{plan, reducer, a.in[0], a.out});
    }
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    const auto reducer = kind.template reducer<T>(terms);
    using Reducer = std::remove_const_t<decltype(reducer)>;
    const ReducePlan plan = lower_reduce(E::axes, a.count, in, out);
    if (plan.reduces_run()) {
      a.backend->rows(
          a.count * out, terms,
          detail::ReduceRunsBackward<T, Reducer>{plan, reducer, a.in[0], a.out, a.out_gradient, g.at, g.adds()});
    } else {
      const std::size_t blocks = ReducePlan::turns(plan.kept) * detail::lane_blocks(plan);
      a.backend->rows(
          blocks, detail::lane_block * terms,
          detail::ReduceLanesBackward<T, Reducer>{plan, reducer, a.in[0], a.out, a.out_gradient, g.at, g.adds()});
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU
