// layout.hpp - NumPy's broadcasting, decided at compile time: the result's shape, and how each leaf of an expression
// lies in it.
//
// Shapes are aligned at their last axes; an axis of extent 1, or one that is missing, repeats. The samples of a batch
// are one more axis in front: what is not batched repeats for each of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "../autodiff/refuse.hpp"
#include "../shape/fixed_vector.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class One, class Other>
struct error_elementwise_operands_cannot_be_broadcast_together;

namespace detail {

template <class V>
constexpr bool leaf_batched() {
  if constexpr (is_var<V>) {
    return V::batched;
  } else {
    return false;
  }
}

// The extent of an axis that is `back` axes before the last; 1 if there is none.
template <class S>
constexpr std::size_t extent_from_last(std::size_t back) {
  return back < S::rank ? S::dims[S::rank - 1 - back] : 1;
}
template <class... S>
constexpr auto broadcast_dims() {
  constexpr std::size_t rank = std::max({S::rank...});
  std::array<std::size_t, rank> dims{};
  for (std::size_t back = 0; back < rank; ++back) {
    std::size_t extent = 1;
    ((extent = extent_from_last<S>(back) == 1 ? extent : extent_from_last<S>(back)), ...);
    dims[rank - 1 - back] = extent;
  }
  return dims;
}
template <class One, class Other>
constexpr bool can_broadcast() {
  for (std::size_t back = 0; back < std::min(One::rank, Other::rank); ++back) {
    const std::size_t a = extent_from_last<One>(back), b = extent_from_last<Other>(back);
    if (a != b && a != 1 && b != 1) return false;
  }
  return true;
}
// Refuses the first two of the shapes that cannot be broadcast together.
template <class A, class B, class... More, class Context>
constexpr auto refuse_shapes(Context* ctx) {
  if constexpr (!can_broadcast<A, B>()) {
    return refuse<error_elementwise_operands_cannot_be_broadcast_together<A, B>>(ctx);
  } else if constexpr (sizeof...(More) == 0) {
    return refused(ctx);
  } else if constexpr ((can_broadcast<A, More>() && ...)) {
    return refuse_shapes<B, More...>(ctx);
  } else {
    return refuse_shapes<A, More...>(ctx);
  }
}
template <class A, class... More>
constexpr bool all_broadcast() {
  if constexpr (sizeof...(More) == 0) {
    return true;
  } else {
    return (can_broadcast<A, More>() && ...) && all_broadcast<More...>();
  }
}

// An axis of the result, or several that all leaves treat alike. Samples have extent 0 here: their number is known at
// run time.
struct LayoutAxis {
  std::size_t extent = 0;
  unsigned present = 0;  // bit I: leaf I moves along it
};
inline constexpr std::size_t max_layout_axes = 9;
using LayoutAxes = FixedVector<LayoutAxis, max_layout_axes>;

template <class... V>
struct Layout {
  static constexpr std::size_t leaves = sizeof...(V);
  static constexpr bool batched = (leaf_batched<V>() || ...);
  static constexpr bool ok = all_broadcast<typename V::shape...>();
  static constexpr auto refuse(auto* ctx) { return refuse_shapes<typename V::shape...>(ctx); }

  static constexpr auto dims = broadcast_dims<typename V::shape...>();
  using shape = shape_from<dims>;

  // Outermost first, neighbours merged; without the axes of extent 1.
  static constexpr LayoutAxes axes = [] {
    LayoutAxes list;
    unsigned bit = 1, samples = 0;
    ((samples |= leaf_batched<V>() ? bit : 0, bit <<= 1), ...);
    if (batched) list.push_back({0, samples});
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      if (dims[axis] == 1) continue;
      unsigned present = 0;
      bit = 1;
      ((present |= extent_from_last<typename V::shape>(dims.size() - 1 - axis) == 1 ? 0 : bit, bit <<= 1), ...);
      LayoutAxis* last = list.empty() ? nullptr : &list[list.size() - 1];
      if (last && last->extent && last->present == present) {
        last->extent *= dims[axis];
      } else {
        list.push_back({dims[axis], present});
      }
    }
    if (list.empty() || !list[list.size() - 1].extent) list.push_back({1, (1u << leaves) - 1});
    return list;
  }();
  static constexpr unsigned every = (1u << leaves) - 1;
  // Leaves with an element for every element of the result.
  static constexpr unsigned full = [] {
    unsigned mask = every;
    for (const LayoutAxis& axis : axes) mask &= axis.present;
    return mask;
  }();
  // If all that are not full repeat every so many elements, that number; else 0.
  static constexpr std::size_t period = [] {
    std::size_t outer = 0;
    while (outer < axes.size() && axes[outer].present == full) ++outer;
    std::size_t size = 1;
    for (std::size_t k = outer; k < axes.size(); ++k) {
      if (axes[k].present != every) return std::size_t(0);
      size *= axes[k].extent;
    }
    return full == every ? shape::size : size;
  }();
};

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
