// reference_product.hpp - a product as plain loops, for doubles: gradient checks need digits, not speed.
#pragma once

#include <cstddef>

#include "../product.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Rows [begin, end) of one batch entry. Each element is a sum over k in ascending order, whatever the strides.
template <class T>
void reference_product(const Product<T>& p, std::size_t entry, std::size_t begin, std::size_t end) {
  const auto at = [](std::size_t i, std::ptrdiff_t stride) { return static_cast<std::ptrdiff_t>(i) * stride; };
  const T* b = p.b + at(entry, p.b_batch);
  for (std::size_t i = begin; i < end; ++i) {
    const T* a = p.a + at(entry, p.a_batch) + at(i, p.a_row);
    const T* residual = p.residual ? p.residual + at(entry, p.residual_batch) + at(i, p.residual_row) : nullptr;
    T* c = p.c + at(entry, p.c_batch) + at(i, p.c_row);
    for (std::size_t j = 0; j < p.n; ++j) {
      T sum = 0;
      const T* column = b + at(j, p.b_column);
      for (std::size_t k = 0; k < p.k; ++k) sum += a[at(k, p.a_column)] * column[at(k, p.b_row)];
      c[j] =
          p.scale * sum + (p.accumulate ? c[j] : T(0)) + (p.bias ? p.bias[j] : T(0)) + (residual ? residual[j] : T(0));
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
