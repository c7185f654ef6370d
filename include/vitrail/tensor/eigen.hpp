// eigen.hpp - a tensor as an Eigen matrix, and an Eigen matrix as a tensor, both without a copy or by value.
#pragma once

#include <type_traits>

#include "../backend/eigen_core.hpp"
#include "tensor.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <class T>
using EigenMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using EigenMatrixMap =
    Eigen::Map<std::conditional_t<std::is_const_v<T>, const EigenMatrix<std::remove_const_t<T>>, EigenMatrix<T>>>;
}  // namespace detail

// A tensor [.., columns] as the matrix of its rows, [S::rows, S::last], over the tensor's own memory: writing to it
// writes to the tensor. Extents are run-time ones: fixed ones would put Eigen's temporaries on the stack.
template <class S, class T>
detail::EigenMatrixMap<T> as_eigen(const View<S, T>& view) {
  return {view.data(), static_cast<Eigen::Index>(S::rows), static_cast<Eigen::Index>(S::last)};
}
template <class S, class P>
auto as_eigen(Tensor<S, P>& tensor) {
  return as_eigen(tensor.view());
}
template <class S, class P>
auto as_eigen(const Tensor<S, P>& tensor) {
  return as_eigen(tensor.view());
}
// Over memory that dies with the statement.
template <class S, class P>
void as_eigen(Tensor<S, P>&&) = delete;

// A tensor with the values of any Eigen expression; one of other extents than [S::rows, S::last] throws shape_error.
template <class S, class P, class Derived>
Tensor<S, P> from_eigen(const Eigen::MatrixBase<Derived>& matrix) {
  detail::check_size("from_eigen: rows", static_cast<std::size_t>(matrix.rows()), S::rows);
  detail::check_size("from_eigen: columns", static_cast<std::size_t>(matrix.cols()), S::last);
  Tensor<S, P> tensor;
  as_eigen(tensor) = matrix;
  return tensor;
}

}  // namespace vitrail::inline VITRAIL_TU
