// shape.hpp - the extents of one sample, as a type. The batch is never part of a Shape.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// The product of the extents. A product whose bytes (8 each) would overflow does not compile: unsigned products wrap
// silently.
template <std::size_t... Extents>
constexpr std::size_t checked_product() {
  std::size_t product = 1;
  ((Extents != 0 && product > static_cast<std::size_t>(-1) / 16 / (Extents == 0 ? 1 : Extents)
        ? throw "the number of elements of this Shape overflows"
        : product *= Extents),
   ...);
  return product;
}

// Shape<197, 768>: 197 rows of 768. Shape<> is a scalar. Memory is always row-major and contiguous.
template <std::size_t... Extents>
struct Shape {
  static constexpr std::size_t rank = sizeof...(Extents);
  static constexpr std::size_t size = checked_product<Extents...>();
  static constexpr std::array<std::size_t, rank> dims{Extents...};
  static constexpr std::size_t last = [] {
    std::size_t extent = 1;
    ((extent = Extents), ...);
    return extent;
  }();
  static constexpr std::size_t rows = last == 0 ? 0 : size / last;
};

template <class S>
inline constexpr bool is_shape = false;
template <std::size_t... Extents>
inline constexpr bool is_shape<Shape<Extents...>> = true;

namespace detail {
template <class S, std::size_t Last, class Indices>
struct WithLast;
template <class S, std::size_t Last, std::size_t... I>
struct WithLast<S, Last, std::index_sequence<I...>> {
  using type = Shape<S::dims[I]..., Last>;
};
template <class S, std::size_t First, class Indices>
struct WithFirst;
template <class S, std::size_t First, std::size_t... I>
struct WithFirst<S, First, std::index_sequence<I...>> {
  using type = Shape<First, S::dims[I + 1]...>;
};
template <class S, class Indices>
struct WithoutFirst;
template <class S, std::size_t... I>
struct WithoutFirst<S, std::index_sequence<I...>> {
  using type = Shape<S::dims[I + 1]...>;
};
}  // namespace detail

// S with its last (first) extent replaced, or its first removed. The rank of S must be at least 1.
template <class S, std::size_t Last>
using with_last = typename detail::WithLast<S, Last, std::make_index_sequence<S::rank - 1>>::type;
template <class S, std::size_t First>
using with_first = typename detail::WithFirst<S, First, std::make_index_sequence<S::rank - 1>>::type;
template <class S>
using without_first = typename detail::WithoutFirst<S, std::make_index_sequence<S::rank - 1>>::type;

// The row-major offset of an index, for at(i, j). Unchecked: callers check.
template <class S, class... Index>
constexpr std::size_t offset_of(Index... index) {
  static_assert(sizeof...(Index) == S::rank, "at: as many indices as the shape has axes");
  std::size_t offset = 0, axis = 0;
  ((offset = offset * S::dims[axis++] + static_cast<std::size_t>(index)), ...);
  return offset;
}

}  // namespace vitrail::inline VITRAIL_TU
