// principal.cpp - the largest singular values and their vectors are those of which a matrix was made.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <vitrail/tune/principal.hpp>

namespace {

namespace vt = vitrail;
using Matrix = vt::detail::RowMajor;

Matrix orthonormal(std::size_t rows, std::size_t columns, std::uint64_t seed) {
  Matrix x{rows, columns};
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] = vt::normal_at<double>({seed, 0, 0}, 0, i);
  vt::detail::make_orthonormal(x, {});
  return x;
}
// The product of the first `rank` columns of u times values and the transposed ones of v.
Matrix sum_of(const Matrix& u, const std::vector<double>& values, const Matrix& v, std::size_t rank) {
  Matrix sum{u.rows, v.rows};
  for (std::size_t i = 0; i < u.rows; ++i) {
    for (std::size_t j = 0; j < v.rows; ++j) {
      for (std::size_t k = 0; k < std::min(rank, u.columns); ++k)
        sum.row(i)[j] += u.row(i)[k] * values[k] * v.row(j)[k];
    }
  }
  return sum;
}
double relative_difference(const Matrix& a, const Matrix& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    difference += std::pow(a.values[i] - b.values[i], 2);
    norm += std::pow(b.values[i], 2);
  }
  return std::sqrt(difference / norm);
}
// Values, and what they and their vectors make: that does not depend on signs.
void compare(std::size_t rows, std::size_t columns, const std::vector<double>& values, std::size_t rank) {
  INFO(rows << " x " << columns << ", rank " << rank);
  const Matrix u = orthonormal(rows, values.size(), rows), v = orthonormal(columns, values.size(), columns + 100);
  const auto found = vt::detail::principal(sum_of(u, values, v, values.size()), rank);
  for (std::size_t k = 0; k < rank; ++k) {
    CHECK(found.values[k] == Approx(k < values.size() ? values[k] : 0).epsilon(1e-12).margin(1e-7));
  }
  CHECK(relative_difference(sum_of(found.left, found.values, found.right, rank), sum_of(u, values, v, rank)) < 1e-7);
}

}  // namespace

TEST_CASE("principal values and vectors are those of which a matrix was made") {
  std::vector<double> close, far;
  for (int k = 0; k < 60; ++k) {
    close.push_back(2 - 0.02 * k);
    far.push_back(100 * std::pow(0.3, k));
  }
  compare(64, 60, close, 8);
  compare(60, 200, close, 12);
  compare(200, 60, far, 8);
  compare(16, 16, std::vector<double>(far.begin(), far.begin() + 16), 4);
  compare(7, 40, std::vector<double>(close.begin(), close.begin() + 7), 7);
  compare(40, 7, std::vector<double>(close.begin(), close.begin() + 7), 7);
  compare(5, 1, {3}, 1);
}
TEST_CASE("equal singular values, and fewer than are asked for") {
  compare(24, 24, {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1e-3, 1e-3}, 10);
  compare(24, 24, {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1e-3, 1e-3}, 24);
}
