// product.hpp - a matrix product for any strides, on the device's ordinary cores: what cuBLASLt does not take, and the
// reference for it.
#pragma once

#include <cstddef>

#include "../product.hpp"
#include "programs.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// A block computes 64 x 64 elements of C, a thread 4 x 4 of them; 16 columns of A and rows of B at a time lie in shared
// memory. The sum of an element runs over k in ascending order.
template <class T, class A = T, class B = T, class C = T>
struct ProductKernel {
  static constexpr unsigned threads = 256, tile = 64, depth = 16, own = 4, across = tile / own;
  static constexpr bool cooperates = true;
  static constexpr unsigned row = tile + 4;  // of the shared panels; the 4 keep threads on different banks
  static constexpr std::size_t shared_bytes = 2 * depth * row * sizeof(T);
  Product<T, A, B, C> p;

  static constexpr Grid grid(const Product<T, A, B, C>& p) {
    return {p.count * blocks_for(p.m, tile) * blocks_for(p.n, tile), shared_bytes};
  }
  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const std::size_t wide = blocks_for(p.n, tile), all = blocks_for(p.m, tile) * wide;
    const auto batch = static_cast<std::ptrdiff_t>(thread.block() / all);
    const std::size_t top = thread.block() % all / wide * tile, left = thread.block() % wide * tile;
    const A* a = p.a + batch * p.a_batch;
    const B* b = p.b + batch * p.b_batch;
    T *panel_a = thread.template shared<T>(), *panel_b = panel_a + depth * row;
    const unsigned y = thread.index() / across * own, x = thread.index() % across * own;
    T sums[own][own] = {};
    for (std::size_t k = 0; k < p.k; k += depth) {
      for (unsigned i = thread.index(); i < depth * tile; i += threads) {
        // Neighbouring threads read along the contiguous axis.
        const bool down_a = p.a_row == 1, down_b = p.b_row == 1;
        const unsigned ka = down_a ? i / tile : i % depth, ra = down_a ? i % tile : i / depth;
        const unsigned kb = down_b ? i % depth : i / tile, cb = down_b ? i / depth : i % tile;
        panel_a[ka * row + ra] = element(a, top + ra, k + ka, p.m, p.k, p.a_row, p.a_column);
        panel_b[kb * row + cb] = element(b, k + kb, left + cb, p.k, p.n, p.b_row, p.b_column);
      }
      thread.sync();
      for (unsigned q = 0; q < depth; ++q) {
        for (unsigned i = 0; i < own; ++i) {
          for (unsigned j = 0; j < own; ++j) sums[i][j] += panel_a[q * row + y + i] * panel_b[q * row + x + j];
        }
      }
      thread.sync();
    }
    C* c = p.c + batch * p.c_batch;
    const C* residual = p.residual ? p.residual + batch * p.residual_batch : nullptr;
    for (unsigned i = 0; i < own && top + y + i < p.m; ++i) {
      const auto r = static_cast<std::ptrdiff_t>(top + y + i);
      for (unsigned j = 0; j < own && left + x + j < p.n; ++j) {
        const std::size_t at = left + x + j;
        T sum = p.scale * sums[i][j];
        if (p.bias) sum += p.bias[at];
        if (residual) sum += (residual + r * p.residual_row)[at];
        C& to = (c + r * p.c_row)[at];
        to = C(p.accumulate ? to + sum : sum);
      }
    }
  }

 private:
  template <class X>
  static VITRAIL_HOST_DEVICE T element(const X* from, std::size_t i, std::size_t j, std::size_t rows,
                                       std::size_t columns, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride) {
    if (i >= rows || j >= columns) return T(0);
    return from[static_cast<std::ptrdiff_t>(i) * row_stride + static_cast<std::ptrdiff_t>(j) * column_stride];
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
