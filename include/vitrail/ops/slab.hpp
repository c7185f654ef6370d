// slab.hpp - a part of one axis as a strided copy: what slice, pad, concat and stack read or write.
#pragma once

#include <cstddef>
#include <utility>

#include "../shape/shape.hpp"
#include "strided_copy.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Indices first, first + step, .. of the middle axis of [outer, whole, inner], `extent` of them. The part lies by
// itself as [outer, extent, inner].
struct Slab {
  std::size_t outer, whole, inner, first, extent;
  std::size_t step = 1;

  constexpr std::size_t offset() const { return first * inner; }
  constexpr std::size_t whole_size() const { return outer * whole * inner; }
  constexpr std::size_t part_size() const { return outer * extent * inner; }
  // From the whole to the part.
  constexpr StridedAxes axes() const {
    StridedAxes axes;
    axes.push_back({outer, whole * inner, extent * inner});
    axes.push_back({extent, step * inner, inner});
    axes.push_back({inner, 1, 1});
    return axes;
  }
  constexpr StridedAxes samples(std::size_t count) const {
    return with_samples(axes(), count, whole_size(), part_size());
  }
  // What is before and behind, for a step of 1.
  constexpr Slab before() const { return {outer, whole, inner, 0, first}; }
  constexpr Slab behind() const { return {outer, whole, inner, first + extent, whole - first - extent}; }
};

template <class B, class T>
void read_slab(const B& backend, const Slab& slab, std::size_t count, const T* whole, T* part, bool adds = false) {
  strided_copy(backend, slab.samples(count), whole + slab.offset(), part, adds);
}
template <class B, class T>
void write_slab(const B& backend, const Slab& slab, std::size_t count, const T* part, T* whole, bool adds = false) {
  // Not reversed(): the axes are in the order of both sides already.
  StridedAxes axes = slab.samples(count);
  for (StridedAxis& axis : axes) std::swap(axis.in, axis.out);
  strided_copy(backend, axes, part, whole + slab.offset(), adds);
}
template <class B, class T>
void fill_slab(const B& backend, const Slab& slab, std::size_t count, T* whole, computed<T> fill) {
  StridedAxes axes = slab.samples(count);
  for (StridedAxis& axis : axes) axis.out = axis.in;
  if (slab.extent) strided_copy<B, T>(backend, axes, nullptr, whole + slab.offset(), false, fill);
}

// Axis `axis` of S, as the middle one of three.
template <class S>
constexpr Slab slab_of(std::size_t axis, std::size_t first, std::size_t extent, std::size_t step = 1) {
  Slab slab{1, S::dims[axis], 1, first, extent, step};
  for (std::size_t i = 0; i < axis; ++i) slab.outer *= S::dims[i];
  for (std::size_t i = axis + 1; i < S::rank; ++i) slab.inner *= S::dims[i];
  return slab;
}

}  // namespace vitrail::inline VITRAIL_TU::detail
