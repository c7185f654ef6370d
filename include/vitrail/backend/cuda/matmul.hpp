// matmul.hpp - a product in the terms of BLAS: matrices stored by columns, transposed or not.
//
// A matrix whose rows are contiguous is, stored by columns, its transpose. So C = A B is computed as C^T = B^T A^T, and
// the bias of C's columns is one of the result's rows, as cuBLASLt adds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../bf16.hpp"
#include "../product.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

enum class element : std::uint8_t { f32, f64, bf16 };
template <class T>
inline constexpr element element_of = std::is_same_v<T, double> ? element::f64
                                      : std::is_same_v<T, bf16> ? element::bf16
                                                                : element::f32;

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
  element factors = element::f32, result = element::f32;  // of A and B; of C, D and the bias
  friend auto operator<=>(const Matmul&, const Matmul&) = default;
};
// The same with its addresses; `fits` is false for what BLAS cannot express.
template <class T, class A = T, class B = T, class C = T>
struct MatmulCall {
  bool fits = false;
  Matmul shape;
  const A* a = nullptr;
  const B* b = nullptr;
  const C* c = nullptr;
  C* d = nullptr;
  const T* bias = nullptr;
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

template <class T, class A, class B, class C>
MatmulCall<T, B, A, C> matmul_of(const Product<T, A, B, C>& p) {
  MatmulCall<T, B, A, C> call;
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
  s.factors = element_of<B>, s.result = element_of<C>;
  call.fits = true;
  return call;
}

// Elements from a factor's first to its last, for positive strides.
constexpr std::size_t span_of(std::size_t rows, std::ptrdiff_t row, std::size_t columns, std::ptrdiff_t column,
                              std::size_t count, std::ptrdiff_t batch) {
  const auto steps = [](std::size_t n, std::ptrdiff_t stride) { return (n - 1) * static_cast<std::size_t>(stride); };
  return 1 + steps(rows, row) + steps(columns, column) + steps(count, batch);
}
// The same product with other factors.
template <class NewA, class NewB, class T, class A, class B, class C>
Product<T, NewA, NewB, C> with_factors(const Product<T, A, B, C>& p, const NewA* a, const NewB* b) {
  Product<T, NewA, NewB, C> q;
  q.m = p.m, q.n = p.n, q.k = p.k, q.count = p.count;
  q.a = a, q.a_row = p.a_row, q.a_column = p.a_column, q.a_batch = p.a_batch;
  q.b = b, q.b_row = p.b_row, q.b_column = p.b_column, q.b_batch = p.b_batch;
  q.c = p.c, q.c_row = p.c_row, q.c_batch = p.c_batch;
  q.scale = p.scale, q.bias = p.bias, q.accumulate = p.accumulate;
  q.residual = p.residual, q.residual_row = p.residual_row, q.residual_batch = p.residual_batch;
  return q;
}
// Of factors that both are bf16: BLAS knows no others beside them. round(from, n) gives a copy of n values as bf16.
template <class T, class A, class B, class C, class Round>
Product<T, bf16, bf16, C> rounded(const Product<T, A, B, C>& p, const Round& round) {
  const bf16 *a = nullptr, *b = nullptr;
  if constexpr (std::is_same_v<A, bf16>) {
    a = p.a;
  } else {
    a = round(p.a, span_of(p.m, p.a_row, p.k, p.a_column, p.count, p.a_batch));
  }
  if constexpr (std::is_same_v<B, bf16>) {
    b = p.b;
  } else {
    b = round(p.b, span_of(p.k, p.b_row, p.n, p.b_column, p.count, p.b_batch));
  }
  return with_factors(p, a, b);
}
// Of a weight that was rounded before (Cuda::pack), [n, k].
template <class T, class A, class B, class C>
Product<T, A, bf16, C> with_packed(const Product<T, A, B, C>& p) {
  auto q = with_factors(p, p.a, reinterpret_cast<const bf16*>(p.packed));
  q.b_row = 1, q.b_column = static_cast<std::ptrdiff_t>(p.k), q.b_batch = 0;
  return q;
}

}  // namespace vitrail::inline VITRAIL_TU::cuda
