// strided.hpp - a lane from or to elements that are `stride` apart; 0: one element for all of the lane.
#pragma once

#include <cstddef>

#include "rows.hpp"

namespace vitrail::inline VITRAIL_TU {

// The number of elements of a part of a row.
template <class L>
VITRAIL_FUNCTION std::size_t elements_of(Whole) {
  return lanes<L>::width;
}
template <class L>
VITRAIL_FUNCTION std::size_t elements_of(Rest j) {
  return j.count;
}

// Element j + i of the row is at row[(j + i) * stride]. The stride is decided at run time: nearly always it is 1.
template <class L, class J>
VITRAIL_FUNCTION L get_strided(const typename lanes<L>::value* row, J j, std::size_t stride) {
  if (stride == 1) return get<L>(row, j);
  if (stride == 0) return L(*row);
  typename lanes<L>::value parts[lanes<L>::width] = {};
  for (std::size_t i = 0; i < elements_of<L>(j); ++i) parts[i] = row[(j.at + i) * stride];
  return load<L>(parts);
}
template <class L, class J>
VITRAIL_FUNCTION void put_strided(typename lanes<L>::value* row, J j, std::size_t stride, const L& x) {
  if (stride == 1) return put<L>(row, j, x);
  typename lanes<L>::value parts[lanes<L>::width];
  store(parts, x);
  for (std::size_t i = 0; i < elements_of<L>(j); ++i) row[(j.at + i) * stride] = parts[i];
}

}  // namespace vitrail::inline VITRAIL_TU
