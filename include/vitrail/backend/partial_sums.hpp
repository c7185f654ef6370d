// partial_sums.hpp - the sum of what was summed in chunks: the end of a reduction.
#pragma once

#include <cstddef>

#include "rows.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Adds the partial sums of the chunks, in their order, and multiplies by a factor.
template <class T>
struct PartialSums {
  using value = T;
  static constexpr bool is_minor = true;
  const T* partial;
  std::size_t stride, chunks;
  T* to;
  bool addition;
  T factor = 1;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    L sum = get<L>(partial, j);
    for (std::size_t c = 1; c < chunks; ++c) sum += get<L>(partial + c * stride, j);
    put<L>(to, j, sum * L(factor), addition);
  }
};

}  // namespace vitrail::inline VITRAIL_TU::detail
