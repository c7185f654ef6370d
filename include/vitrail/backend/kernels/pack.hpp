// pack.hpp - copies of operands in the order in which the micro-kernel reads them.
//
// Columns of B are grouped into panels of at most tile_vectors<I> registers. The registers are dealt out evenly (80
// columns are 48 + 32, not 64 + 16: a panel of one register is slower), a panel is depth x width, k-major, its last
// columns zero-padded to a register. So the packed size is depth * (columns rounded up to the register), and panel p
// starts at depth * begin(p).
#pragma once

#include "micro.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// How n columns are cut into panels.
template <isa I>
struct ColumnPanels {
  std::size_t columns, registers, panels;
  explicit constexpr ColumnPanels(std::size_t n)
      : columns(n), registers(divide_up(n, lane_width<I>)), panels(divide_up(registers, tile_vectors<I>)) {}
  // The first column of panel p.
  constexpr std::size_t begin(std::size_t p) const { return registers * p / panels * lane_width<I>; }
  // Registers of panel p.
  constexpr std::size_t vectors(std::size_t p) const { return registers * (p + 1) / panels - registers * p / panels; }
  // Padded columns of panel p.
  constexpr std::size_t width(std::size_t p) const { return vectors(p) * lane_width<I>; }
  // Columns of panel p without padding, and those in its last register.
  constexpr std::size_t count(std::size_t p) const { return std::min(width(p), columns - begin(p)); }
  constexpr std::size_t last(std::size_t p) const { return count(p) - width(p) + lane_width<I>; }
  // All columns with padding: floats of a packed B per unit of depth.
  constexpr std::size_t padded() const { return registers * lane_width<I>; }
};

// Packs one panel: `columns` columns of B, `depth` deep, into target[depth][width].
struct PackPanel {
  template <isa I>
  VITRAIL_INLINE static void body(float* target, std::size_t width, const float* b, std::ptrdiff_t b_row,
                                  std::ptrdiff_t b_column, std::size_t depth, std::size_t columns) {
    if (b_column == 1) return copy<I>(target, width, b, b_row, depth, columns);
    for (std::size_t j = 0; j < width; j += lane_width<I>) {
      const std::size_t n = std::min(lane_width<I>, columns - j);
      const float* source = b + static_cast<std::ptrdiff_t>(j) * b_column;
      if (b_row == 1)
        turn<I>(target + j, width, source, b_column, depth, n);
      else
        gather<I>(target + j, width, source, b_row, b_column, depth, n);
    }
  }

 private:
  // Rows of B are contiguous.
  template <isa I>
  VITRAIL_INLINE static void copy(float* target, std::size_t width, const float* b, std::ptrdiff_t b_row,
                                  std::size_t depth, std::size_t columns) {
    using L = lane<I>;
    const std::size_t whole = columns / L::width * L::width;
    for (std::size_t p = 0; p < depth; ++p, target += width, b += b_row) {
      for (std::size_t j = 0; j < whole; j += L::width) store(target + j, load<L>(b + j));
      if (whole < width) store(target + whole, load<L>(b + whole, columns - whole));
    }
  }

  // Columns of B are contiguous (a weight [out, in]): squares of registers are transposed.
  template <isa I>
  VITRAIL_INLINE static void turn(float* target, std::size_t width, const float* b, std::ptrdiff_t b_column,
                                  std::size_t depth, std::size_t columns) {
    using L = lane<I>;
    constexpr std::size_t W = L::width;
    for (std::size_t p = 0; p < depth; p += W) {
      const std::size_t n = std::min(W, depth - p);
      L square[W];
      if (columns == W && n == W) {
#pragma GCC unroll 16
        for (std::size_t i = 0; i < W; ++i) square[i] = load<L>(b + static_cast<std::ptrdiff_t>(i) * b_column);
        transpose(square);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < W; ++i) store(target + i * width, square[i]);
      } else {
#pragma GCC unroll 16
        for (std::size_t i = 0; i < W; ++i)
          square[i] = i < columns ? load<L>(b + static_cast<std::ptrdiff_t>(i) * b_column, n) : L(0.0f);
        transpose(square);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < W; ++i)
          if (i < n) store(target + i * width, square[i]);
      }
      b += W;
      target += W * width;
    }
  }

  template <isa I>
  VITRAIL_INLINE static void gather(float* target, std::size_t width, const float* b, std::ptrdiff_t b_row,
                                    std::ptrdiff_t b_column, std::size_t depth, std::size_t columns) {
    for (std::size_t p = 0; p < depth; ++p)
      for (std::size_t j = 0; j < lane_width<I>; ++j)
        target[p * width + j] =
            j < columns ? b[static_cast<std::ptrdiff_t>(p) * b_row + static_cast<std::ptrdiff_t>(j) * b_column] : 0.0f;
  }
};

// Packs `rows` rows of A, `depth` deep, into the tiles of RowTiles(rows): tile after tile, each [depth][height], the
// rows of tiles lower than 4 one by one. rows * depth floats in all.
struct PackRows {
  template <isa I>
  VITRAIL_INLINE static void body(float* target, const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_column,
                                  std::size_t rows, std::size_t depth) {
    using L = lane<I>;
    const RowTiles split(rows);
    // Blocks of 32 k: the rows of a transposed A are read in long runs, and what is written stays in the first cache.
    for (std::size_t p0 = 0; p0 < depth; p0 += 32) {
      const std::size_t p1 = std::min(depth, p0 + 32);
      std::size_t row = 0;
      for (std::size_t t = 0; t < split.tiles; ++t) {
        const std::size_t height = split.height + (t < split.taller), step = height >= 4 ? height : 1;
        for (const std::size_t end = row + height; row < end; row += step) {
          float* to = target + row * depth + p0 * step;
          const float* from = a + static_cast<std::ptrdiff_t>(row) * a_row + static_cast<std::ptrdiff_t>(p0) * a_column;
          if (a_row == 1 && lane_width<I> >= tile_rows && step > 1)
            for (std::size_t p = p0; p < p1; ++p, to += step, from += a_column) {
              __builtin_prefetch(from +
                                 32 * a_column);  // rows of A are often a page apart, where no hardware prefetches
              const L x = load<L>(from, step);
              if (p + 3 < p1)
                store(to, x);  // what is too much is overwritten by the next 3 k at least
              else
                store(to, x, step);
            }
          else
            for (std::size_t p = p0; p < p1; ++p, to += step, from += a_column)
              for (std::size_t i = 0; i < step; ++i) to[i] = from[static_cast<std::ptrdiff_t>(i) * a_row];
        }
      }
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::kernels
