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
template <class S, std::size_t Axis, std::size_t Extent, class Indices>
struct WithExtent;
template <class S, std::size_t Axis, std::size_t Extent, std::size_t... I>
struct WithExtent<S, Axis, Extent, std::index_sequence<I...>> {
  using type = Shape<(I == Axis ? Extent : S::dims[I])...>;
};
template <class S, class Indices>
struct WithoutFirst;
template <class S, std::size_t... I>
struct WithoutFirst<S, std::index_sequence<I...>> {
  using type = Shape<S::dims[I + 1]...>;
};
template <const auto& Extents, class Indices>
struct ShapeFrom;
template <const auto& Extents, std::size_t... I>
struct ShapeFrom<Extents, std::index_sequence<I...>> {
  using type = Shape<Extents[I]...>;
};
// A Shape of constants that a function has found: those of a static member.
template <const auto& Extents>
using shape_from = typename ShapeFrom<Extents, std::make_index_sequence<Extents.size()>>::type;
}  // namespace detail

// S with another extent of one axis, of its last or its first, or without its first. The axis must be there.
template <class S, std::size_t Axis, std::size_t Extent>
using with_extent = typename detail::WithExtent<S, Axis, Extent, std::make_index_sequence<S::rank>>::type;
template <class S, std::size_t Last>
using with_last = with_extent<S, S::rank - 1, Last>;
template <class S, std::size_t First>
using with_first = with_extent<S, 0, First>;
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
