// product.hpp - the arguments of matrix products, the same for every backend. T is float or double; a backend may read
// or write shorter types A, B and C than it computes with.
#pragma once

#include <cstddef>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// C[m, n] = scale * A[m, k] B[k, n] + bias[n] + residual[m, n], or C += scale * A B + bias + residual with
// `accumulate`; `count` times with the batch strides. Strides count elements. C must not overlap A or B; residual may
// be C itself.
template <class T, class A = T, class B = T, class C = T>
struct Product {
  std::size_t m = 0, n = 0, k = 0, count = 1;
  const A* a = nullptr;  // A(i, p) = a[i * a_row + p * a_column]
  std::ptrdiff_t a_row = 0, a_column = 1, a_batch = 0;
  const B* b = nullptr;  // B(p, j) = b[p * b_row + j * b_column]; a weight W[n, k] has b_row = 1, b_column = k
  std::ptrdiff_t b_row = 0, b_column = 1, b_batch = 0;
  C* c = nullptr;  // columns of C are contiguous; c_row may be larger than n
  std::ptrdiff_t c_row = 0, c_batch = 0;
  T scale = 1;
  const T* bias = nullptr;      // [n], the same for every batch entry
  const C* residual = nullptr;  // rows of n contiguous columns
  std::ptrdiff_t residual_row = 0, residual_batch = 0;
  bool accumulate = false;
  const T* packed = nullptr;  // B in the kernel's packed layout (then b is not read), or null
};

// dw[out, in] (= | +=) scale * dy[rows, out]^T x[rows, in] and db[out] (= | +=) scale * column sums of dy; either may
// be null. `work` is the workspace that the kernel asks for, not initialised.
template <class T, class Y = T, class X = Y>
struct WeightGradient {
  std::size_t rows = 0, out = 0, in = 0;
  const Y* dy = nullptr;
  std::ptrdiff_t dy_row = 0;
  const X* x = nullptr;
  std::ptrdiff_t x_row = 0;
  T scale = 1;
  T* dw = nullptr;
  bool add_w = false;
  T* db = nullptr;
  bool add_b = false;
  T* work = nullptr;
};

}  // namespace vitrail::inline VITRAIL_TU
