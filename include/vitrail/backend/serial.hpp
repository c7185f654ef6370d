// serial.hpp - one thread, products by Eigen, everything else one element at a time: the oracle for the other backends.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backend.hpp"
#include "eigen_core.hpp"
#include "rows.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Eigen's own threading changes the order of its sums with the number of threads, and its setting is global to the
// user's program. It never threads a result of at most 32 rows known at compile time, so products are cut into such
// blocks.
inline constexpr Eigen::Index eigen_rows = 32;
template <class T>
using EigenBlock = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, eigen_rows, Eigen::Dynamic>;
template <class T, int Order>
using EigenMap =
    Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Order>, Eigen::Unaligned, Eigen::OuterStride<>>;

// Calls f with a map of the matrix (rows x columns, element (i, j) at data[i * row + j * column]) that Eigen multiplies
// without a copy; one of the strides must be 1, as in every product that this library makes, or the matrix is copied.
template <class T, class F>
void with_map(const T* data, std::size_t rows, std::size_t columns, std::ptrdiff_t row, std::ptrdiff_t column,
              const F& f) {
  const auto m = static_cast<Eigen::Index>(rows), n = static_cast<Eigen::Index>(columns);
  if (column == 1) return f(EigenMap<T, Eigen::RowMajor>(data, m, n, Eigen::OuterStride<>(row)));
  if (row == 1) return f(EigenMap<T, Eigen::ColMajor>(data, m, n, Eigen::OuterStride<>(column)));
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Matrix copy = Eigen::Map<const Matrix, Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>(
      data, m, n, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(row, column));
  f(EigenMap<T, Eigen::RowMajor>(copy.data(), m, n, Eigen::OuterStride<>(n)));
}

// Rows [begin, end) of one batch entry of a product.
template <class T>
void eigen_product(const Product<T>& p, std::size_t entry, std::size_t begin, std::size_t end) {
  const auto batch = static_cast<std::ptrdiff_t>(entry), first = static_cast<std::ptrdiff_t>(begin);
  const auto n = static_cast<Eigen::Index>(p.n);
  const T* a = p.a + batch * p.a_batch + first * p.a_row;
  T* c = p.c + batch * p.c_batch + first * p.c_row;
  with_map(p.b + batch * p.b_batch, p.k, p.n, p.b_row, p.b_column, [&](const auto& b) {
    for (std::size_t i = 0; i < end - begin; i += eigen_rows) {
      const std::size_t rows = std::min<std::size_t>(eigen_rows, end - begin - i);
      const auto at = static_cast<std::ptrdiff_t>(i);
      Eigen::Map<EigenBlock<T>, Eigen::Unaligned, Eigen::OuterStride<>> to(
          c + at * p.c_row, static_cast<Eigen::Index>(rows), n, Eigen::OuterStride<>(p.c_row));
      // The product comes last, since the residual may be C itself.
      for (std::size_t r = 0; r < rows; ++r) {
        const std::ptrdiff_t local = at + static_cast<std::ptrdiff_t>(r);
        T* row = c + local * p.c_row;
        const T* residual =
            p.residual ? p.residual + batch * p.residual_batch + (first + local) * p.residual_row : nullptr;
        for (std::size_t j = 0; j < p.n; ++j) {
          row[j] = (p.accumulate ? row[j] : T(0)) + (p.bias ? p.bias[j] : T(0)) + (residual ? residual[j] : T(0));
        }
      }
      with_map(a + at * p.a_row, rows, p.k, p.a_row, p.a_column,
               [&](const auto& block) { to.noalias() += p.scale * (block * b); });
    }
  });
}

}  // namespace detail

class Serial {
 public:
  using memory = HostMemory;
  static constexpr const char* name = "serial";

  explicit Serial(backend = {}) {}

  template <class Program>
  void elementwise(std::size_t size, const Program& program) const {
    for (std::size_t i = 0; i < size; ++i) program.template at<typename Program::value>(Whole{i});
  }
  template <class Program>
  void rows(std::size_t count, std::size_t, const Program& program) const {
    for (std::size_t r = 0; r < count; ++r) program.row(Row<typename Program::value>{}, r);
  }
  template <std::size_t K, class T, class Program>
  void columns(std::size_t rows, std::size_t width, const Program& program, const Columns<T, K>& to) const {
    for (std::size_t j = 0; j < width; ++j) {
      T sums[K] = {};
      for (std::size_t r = 0; r < rows; ++r) program.template add<T>(r, Whole{j}, sums);
      for (std::size_t k = 0; k < K; ++k) {
        if (to.at[k]) to.at[k][j] = to.add[k] ? to.at[k][j] + sums[k] : sums[k];
      }
    }
  }
  template <class T>
  void product(const Product<T>& p) const {
    for (std::size_t b = 0; b < p.count; ++b) detail::eigen_product(p, b, 0, p.m);
  }
};

static_assert(Backend<Serial, float> && Backend<Serial, double>);

}  // namespace vitrail::inline VITRAIL_TU
