// matmul.hpp - a product in the terms of BLAS: matrices stored by columns, transposed or not.
//
// A matrix whose rows are contiguous is, stored by columns, its transpose. So C = A B is computed as C^T = B^T A^T, and
// the bias of C's columns is one of the result's rows, as cuBLASLt adds it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../product.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// D[m, n] = alpha op(A)[m, k] op(B)[k, n] + beta C[m, n] + bias[m], `count` times with the strides. op(X) = X^T if
// `transposed`, X being stored by columns that are `ld` apart. Shape and the alignment of addresses; the addresses come
// with each call.
struct Matmul {
  struct Matrix {
    bool transposed = false;
    std::int64_t rows = 0, columns = 0, ld = 0, stride = 0;  // rows and columns as stored
    std::uint32_t alignment = 1;                             // bytes, a power of two
    friend auto operator<=>(const Matrix&, const Matrix&) = default;
  };
  Matrix a, b, c, d;
  std::int64_t count = 1;
  bool bias = false;
  friend auto operator<=>(const Matmul&, const Matmul&) = default;
};
// The same with its addresses; `fits` is false for what BLAS cannot express.
template <class T>
struct MatmulCall {
  bool fits = false;
  Matmul shape;
  const T *a = nullptr, *b = nullptr, *c = nullptr, *bias = nullptr;
  T* d = nullptr;
  T alpha = 1, beta = 0;
};

namespace detail {
inline std::uint32_t alignment_of(const void* address) {
  constexpr std::uint32_t most = 256;
  const auto bits = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(address)) | most;
  return bits & (~bits + 1);
}
// Element (i, j) of [rows, columns] at data[i * row + j * column], as op(X) of a matrix stored by columns. False if
// neither stride is one, or columns overlap.
inline bool stored_by_columns(std::size_t rows, std::size_t columns, std::ptrdiff_t row, std::ptrdiff_t column,
                              Matmul::Matrix& to) {
  const auto m = static_cast<std::int64_t>(rows), n = static_cast<std::int64_t>(columns);
  if ((row == 1 || m == 1) && (column >= m || n == 1)) {
    to.transposed = false, to.rows = m, to.columns = n, to.ld = n == 1 ? m : column;
    return true;
  }
  if ((column == 1 || n == 1) && (row >= n || m == 1)) {
    to.transposed = true, to.rows = n, to.columns = m, to.ld = m == 1 ? n : row;
    return true;
  }
  return false;
}
}  // namespace detail

template <class T>
MatmulCall<T> matmul_of(const Product<T>& p) {
  MatmulCall<T> call;
  Matmul& s = call.shape;
  // One of C's old values and the residual can be added, not both.
  if (p.m == 0 || p.n == 0 || p.k == 0 || (p.accumulate && p.residual)) return call;
  const bool fits = detail::stored_by_columns(p.n, p.k, p.b_column, p.b_row, s.a) &&
                    detail::stored_by_columns(p.k, p.m, p.a_column, p.a_row, s.b) &&
                    detail::stored_by_columns(p.n, p.m, 1, p.c_row, s.d);
  if (!fits || s.d.transposed) return call;
  call.a = p.b, call.b = p.a, call.d = p.c, call.bias = p.bias, call.alpha = p.scale;
  s.a.stride = p.b_batch, s.b.stride = p.a_batch, s.d.stride = p.c_batch;
  call.beta = p.accumulate || p.residual ? T(1) : T(0);
  call.c = p.residual ? p.residual : p.c;
  s.c = s.d;
  if (p.residual) {
    if (!detail::stored_by_columns(p.n, p.m, 1, p.residual_row, s.c) || s.c.transposed) return call;
    s.c.stride = p.residual_batch;
  }
  s.a.alignment = detail::alignment_of(call.a), s.b.alignment = detail::alignment_of(call.b);
  s.c.alignment = detail::alignment_of(call.c), s.d.alignment = detail::alignment_of(call.d);
  s.count = static_cast<std::int64_t>(p.count);
  s.bias = p.bias != nullptr;
  call.fits = true;
  return call;
}

}  // namespace vitrail::inline VITRAIL_TU::cuda
