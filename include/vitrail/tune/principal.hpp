// principal.hpp - the largest singular values of a matrix and their vectors, in double: what PiSSA trains of a weight.
//
// Of W^T W, Rayleigh-Ritz in a block Krylov space that starts again from its best vectors (Musco and Musco 2015,
// "Randomized Block Krylov Methods"): a full decomposition of a ViT's layers would take minutes for eight vectors of
// each.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "../backend/philox.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

struct RowMajor {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values = std::vector<double>(rows * columns);
  double* row(std::size_t i) { return values.data() + i * columns; }
  const double* row(std::size_t i) const { return values.data() + i * columns; }
};
// Sums run over rows of b, so that compilers make vectors of them without reordering.
inline RowMajor times(const RowMajor& a, const RowMajor& b) {
  RowMajor c{a.rows, b.columns};
  for (std::size_t i = 0; i < a.rows; ++i) {
    double* to = c.row(i);
    for (std::size_t k = 0; k < a.columns; ++k) {
      const double factor = a.row(i)[k], *from = b.row(k);
      for (std::size_t j = 0; j < b.columns; ++j) to[j] += factor * from[j];
    }
  }
  return c;
}
inline RowMajor transposed_times(const RowMajor& a, const RowMajor& b) {
  RowMajor c{a.columns, b.columns};
  for (std::size_t i = 0; i < a.rows; ++i) {
    const double* from = b.row(i);
    for (std::size_t k = 0; k < a.columns; ++k) {
      double* to = c.row(k);
      const double factor = a.row(i)[k];
      for (std::size_t j = 0; j < b.columns; ++j) to[j] += factor * from[j];
    }
  }
  return c;
}
inline RowMajor beside(const RowMajor& a, const RowMajor& b) {
  RowMajor c{a.rows, a.columns + b.columns};
  for (std::size_t i = 0; i < a.rows; ++i) {
    std::copy_n(b.row(i), b.columns, std::copy_n(a.row(i), a.columns, c.row(i)));
  }
  return c;
}
// Columns of length one that are orthogonal to each other and to those of `others`; zero where nothing new is left.
inline void make_orthonormal(RowMajor& x, const RowMajor& others) {
  const auto dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < x.rows; ++i) sum += x.row(i)[a] * x.row(i)[b];
    return sum;
  };
  std::vector<double> before(x.columns);
  for (std::size_t j = 0; j < x.columns; ++j) before[j] = std::sqrt(dot(j, j));
  for (int pass = 0; pass < 2; ++pass) {  // rounding leaves something of the others the first time
    if (others.columns > 0) {
      const RowMajor along = times(others, transposed_times(others, x));
      for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] -= along.values[i];
    }
    for (std::size_t j = 0; j < x.columns; ++j) {
      for (std::size_t k = 0; k < j; ++k) {
        const double along = dot(j, k);
        for (std::size_t i = 0; i < x.rows; ++i) x.row(i)[j] -= along * x.row(i)[k];
      }
      const double length = std::sqrt(dot(j, j));
      const double by = length > 1e-12 * before[j] ? 1 / length : 0;
      for (std::size_t i = 0; i < x.rows; ++i) x.row(i)[j] *= by;
    }
    std::fill(before.begin(), before.end(), 1.0);
  }
}
// Eigenvectors of a symmetric matrix, which becomes diagonal, by Jacobi's rotations: the columns of the result.
inline RowMajor diagonalise(RowMajor& g) {
  const std::size_t n = g.rows;
  RowMajor vectors{n, n};
  for (std::size_t i = 0; i < n; ++i) vectors.row(i)[i] = 1;
  const auto rotate = [](double& a, double& b, double c, double s) {
    a = std::exchange(b, s * a + c * b) * -s + c * a;
  };
  for (int sweep = 0; sweep < 40; ++sweep) {
    bool done = true;
    for (std::size_t p = 0; p + 1 < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        const double off = g.row(p)[q];
        if (std::abs(off) <= 1e-17 * std::sqrt(std::abs(g.row(p)[p] * g.row(q)[q]))) continue;
        done = false;
        const double half = (g.row(q)[q] - g.row(p)[p]) / (2 * off);
        const double t = (half < 0 ? -1 : 1) / (std::abs(half) + std::sqrt(half * half + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (std::size_t i = 0; i < n; ++i) rotate(g.row(i)[p], g.row(i)[q], c, s);
        for (std::size_t i = 0; i < n; ++i) rotate(g.row(p)[i], g.row(q)[i], c, s);
        for (std::size_t i = 0; i < n; ++i) rotate(vectors.row(i)[p], vectors.row(i)[q], c, s);
      }
    }
    if (done) break;
  }
  return vectors;
}

// Singular triples: columns of left [rows, rank] are u, those of right [columns, rank] v; W v = value u.
struct Principal {
  RowMajor left, right;
  std::vector<double> values;
};
// Of w [rows, columns]; rank is at most the smaller of both. The same bits from the same w.
inline Principal principal(const RowMajor& w, std::size_t rank) {
  constexpr std::size_t powers = 4;
  // Eight vectors more than are asked for: where singular values lie close, those next in line tell them apart.
  const std::size_t width = std::min(rank + 8, w.columns);
  RowMajor x{w.columns, width};
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] = normal_at<double>(RandomStream{}, 0, i);
  make_orthonormal(x, {});
  RowMajor y = times(w, x), z = transposed_times(w, y);  // z = W^T W x
  std::vector<double> squares(width);
  for (int cycle = 0; cycle < 100; ++cycle) {
    RowMajor basis = x, images = y;
    for (std::size_t i = 0; i < powers && basis.columns < w.columns; ++i) {
      make_orthonormal(z, basis);
      basis = beside(basis, z);
      const RowMajor image = times(w, z);
      images = beside(images, image);
      z = transposed_times(w, image);
    }
    RowMajor gram = transposed_times(images, images);
    const RowMajor all = diagonalise(gram);
    std::vector<std::size_t> order(gram.rows);
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(-gram.row(a)[a], a) < std::pair(-gram.row(b)[b], b);
    });
    RowMajor best{all.rows, width};
    for (std::size_t i = 0; i < all.rows; ++i) {
      for (std::size_t j = 0; j < width; ++j) best.row(i)[j] = all.row(i)[order[j]];
    }
    for (std::size_t j = 0; j < width; ++j) squares[j] = std::max(0.0, gram.row(order[j])[order[j]]);
    x = times(basis, best);
    y = times(images, best);
    z = transposed_times(w, y);
    double worst = 0;
    for (std::size_t j = 0; j < rank; ++j) {
      double left = 0;
      for (std::size_t i = 0; i < x.rows; ++i) left += std::pow(z.row(i)[j] - squares[j] * x.row(i)[j], 2);
      worst = std::max(worst, std::sqrt(left));
    }
    if (worst <= 1e-9 * squares[0]) break;  // beyond what a float weight holds
  }
  Principal found{RowMajor{w.rows, rank}, RowMajor{w.columns, rank}, std::vector<double>(rank)};
  for (std::size_t j = 0; j < rank; ++j) {
    const double value = found.values[j] = std::sqrt(squares[j]);
    for (std::size_t i = 0; i < w.rows; ++i) found.left.row(i)[j] = value > 0 ? y.row(i)[j] / value : 0;
    for (std::size_t i = 0; i < w.columns; ++i) found.right.row(i)[j] = x.row(i)[j];
  }
  return found;
}

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
