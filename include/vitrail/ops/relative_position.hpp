// relative_position.hpp - the bias of the scores within a window that depends on how far apart two tokens are: from a
// table (Swin), whose entries a network may compute from their positions (Swin v2).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/strided.hpp"
#include "../expr/evaluate.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// A window of rows x columns tokens. Token i is yi - yj rows below token j and xi - xj columns to the right of it;
// entry (yi - yj + rows - 1) (2 columns - 1) + xi - xj + columns - 1 of a table is theirs.
struct RelativePositions {
  std::size_t rows, columns;
  constexpr std::size_t tokens() const { return rows * columns; }
  constexpr std::size_t entries() const { return (2 * rows - 1) * (2 * columns - 1); }
};
// A program row is (head, token i): its scores with all tokens j.
template <class T>
struct RelativeBias {
  using value = T;
  static constexpr bool is_minor = true;
  RelativePositions window;
  std::size_t heads;
  const T* table;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t N = window.tokens(), i = r % N, h = r / N, columns = window.columns, across = 2 * columns - 1;
    T* target = to + r * N;
    for (std::size_t y = 0; y < window.rows; ++y, target += columns) {
      const T* of_last = table + ((i / columns + window.rows - 1 - y) * across + i % columns) * heads + h;
      row.each(columns, [&](auto j) VITRAIL_LAMBDA {
        for (std::size_t x = j.at; x < j.at + elements_of<L>(j); ++x) target[x] = of_last[(columns - 1 - x) * heads];
      });
    }
  }
};
// A program row is an entry of the table: the sum over all pairs of tokens that are so far apart.
template <class T>
struct RelativeBiasBackward {
  using value = T;
  static constexpr bool is_minor = true;
  RelativePositions window;
  std::size_t heads;
  const T* from;
  T* table;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t N = window.tokens(), rows = window.rows, columns = window.columns, across = 2 * columns - 1;
    // The first i of the pairs, and how many there are, in each direction: of y = yi - yj + rows - 1 less than rows -
    // 1, yi starts at 0, else at y - (rows - 1).
    const std::size_t y = r / across, x = r % across;
    const std::size_t yi = y < rows ? 0 : y - (rows - 1), yj = yi + (rows - 1) - y;
    const std::size_t xi = x < columns ? 0 : x - (columns - 1), xj = xi + (columns - 1) - x;
    const std::size_t down = rows - (yi > yj ? yi : yj), right = columns - (xi > xj ? xi : xj);
    const std::size_t first = (yi * columns + xi) * N + yj * columns + xj;
    row.each(heads, [&](auto j) VITRAIL_LAMBDA {
      for (std::size_t h = j.at; h < j.at + elements_of<L>(j); ++h) {
        const T* pair = from + h * N * N + first;
        T sum = 0;
        for (std::size_t a = 0; a < down; ++a) {
          for (std::size_t b = 0; b < right; ++b) sum += pair[(a * columns + b) * (N + 1)];
        }
        table[r * heads + h] = adds ? table[r * heads + h] + sum : sum;
      }
    });
  }
};

// sign(t) log2(|t| + 1) / log2(8) of t = 8 distance / farthest, for the two directions of each entry.
template <class T>
struct LogCoordinates {
  using value = T;
  static constexpr bool is_minor = true;
  RelativePositions window;
  double farthest_rows, farthest_columns;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    const std::size_t across = 2 * window.columns - 1, i = r / across, j = r % across;
    const double y = static_cast<double>(i) - static_cast<double>(window.rows - 1),
                 x = static_cast<double>(j) - static_cast<double>(window.columns - 1);
    row.each(1, [&](auto) VITRAIL_LAMBDA {
      to[2 * r] = log_distance(y / farthest_rows);
      to[2 * r + 1] = log_distance(x / farthest_columns);
    });
  }
  static VITRAIL_FUNCTION T log_distance(double share) {
    const double size = std::log2(8 * (share < 0 ? -share : share) + 1) / 3;
    return static_cast<T>(share < 0 ? -size : size);
  }
};

}  // namespace detail

// Input: the table [(2 rows - 1) (2 columns - 1), heads], one for the whole batch.
template <std::size_t Rows, std::size_t Columns, std::size_t HeadCount>
struct RelativePositionBiasOp {
  static constexpr std::size_t N = Rows * Columns;
  using shape = Shape<HeadCount, N, N>;
  static constexpr const char* name = "relative_position_bias";

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.backward_flops = tracked[0] ? shape::size : 0;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    a.backend->rows(HeadCount * N, N, detail::RelativeBias<T>{{Rows, Columns}, HeadCount, a.in[0], a.out});
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    const detail::RelativePositions window{Rows, Columns};
    a.backend->rows(window.entries(), HeadCount * N,
                    detail::RelativeBiasBackward<T>{window, HeadCount, a.out_gradient, g.at, g.adds()});
  }
};

// Its input says only which step this is in.
template <std::size_t Rows, std::size_t Columns>
struct LogCoordinatesOp {
  using shape = Shape<(2 * Rows - 1) * (2 * Columns - 1), 2>;
  static constexpr const char* name = "log_coordinates";
  double farthest_rows, farthest_columns;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1>) {
    return {};
  }
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    a.backend->rows(shape::rows, 2, detail::LogCoordinates<T>{{Rows, Columns}, farthest_rows, farthest_columns, a.out});
  }
};

template <std::size_t Given, std::size_t Expected>
struct error_relative_position_bias_table_has_not_an_entry_for_each_distance;
template <std::size_t Entries>
struct error_relative_position_bias_table_is_not_one_for_the_whole_batch;

// table [(2 Rows - 1) (2 Columns - 1), heads], a parameter or what is one for the whole batch -> [heads, N, N] with
// N = Rows Columns, the tokens of a window: the bias of score (i, j) is the entry of the distance from j to i.
template <std::size_t Rows, std::size_t Columns, Operand X>
constexpr auto relative_position_bias(X&& table) {
  const auto v = evaluate(static_cast<X&&>(table));
  using V = std::remove_cvref_t<decltype(v)>;
  using S = typename V::shape;
  constexpr std::size_t entries = (2 * Rows - 1) * (2 * Columns - 1);
  if constexpr (S::rank != 2 || S::rows != entries) {
    return refuse<error_relative_position_bias_table_has_not_an_entry_for_each_distance<S::rows, entries>>(v);
  } else if constexpr (!is_one_for_all<V>()) {
    return refuse<error_relative_position_bias_table_is_not_one_for_the_whole_batch<entries>>(v);
  } else {
    return apply(RelativePositionBiasOp<Rows, Columns, S::last>{}, v);
  }
}

// The distances within a window of Rows x Columns as Swin v2 takes them (Liu et al. 2022, eq. 4): [(2 Rows - 1)
// (2 Columns - 1), 2], rows first, in the order of the table; 8 is the distance across a window of `trained` rows and
// columns, that of the model's training; 0: this one's. x is any Var of the step, `weight` any parameter.
template <std::size_t Rows, std::size_t Columns, class X, class W>
constexpr auto log_coordinates(const X& x, const W& weight, std::size_t trained = 0) {
  const auto farthest = [=](std::size_t extent) {
    const std::size_t e = trained ? trained : extent;
    return e > 1 ? static_cast<double>(e - 1) : 1.0;
  };
  return apply(LogCoordinatesOp<Rows, Columns>{farthest(Rows), farthest(Columns)},
               detach(as_var(detail::context_of(x), weight)));
}

}  // namespace vitrail::inline VITRAIL_TU
