// attention_product.hpp - products of one head: a strided matrix times a small one, which is packed or read in place.
//
// The matrices of a head are small (17 to a few hundred tokens, 16 to 96 channels), so the cost of calls, of copies and
// of low or narrow tiles counts.
#pragma once

#include <cstddef>
#include <type_traits>

#include "pack.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Below this many multiply-adds a parallel region costs more than it saves.
inline constexpr std::size_t attention_serial_work = 100'000;

template <isa I>
constexpr std::size_t whole_lanes(std::size_t n) {
  return divide_up(n, lane_width<I>) * lane_width<I>;
}

// A right-hand side [depth, columns]: packed into panels, or rows of whole registers where they lie.
struct HeadRight {
  const float* data;
  std::ptrdiff_t row = 0;  // zero: packed
};

// C = A B, or C += A B: element (i, k) of A is a[i * a_row + k * a_column], row i of C is at c + i * c_row.
struct HeadProduct {
  std::size_t rows, columns, depth;
  const float* a;
  std::ptrdiff_t a_row, a_column;
  HeadRight b;
  float* c;
  std::ptrdiff_t c_row;
  bool add = false;
};

// A panel of one register (16 channels with AVX-512) in tiles of 6 to 12 rows, 50 as five tiles of 10: two
// multiply-add units of four cycles need 8 accumulators, and TileRun's tiles of 5 and 6 rows have no more than
// that.
struct NarrowPanel {
  static constexpr std::size_t most = 12, least = 6;
  template <isa I>
  VITRAIL_INLINE static void body(const PanelBlock* pointer) {
    const PanelBlock& block = *pointer;
    const std::size_t tiles = divide_up(block.rows, most), height = block.rows / tiles, taller = block.rows % tiles;
    const float* a = block.a;
    float* c = block.c;
    for (std::size_t t = 0; t < tiles; ++t) {
      const std::size_t rows = height + (t < taller);
      run<I, least>(block, rows, a, c);
      a += static_cast<std::ptrdiff_t>(rows) * block.a_row;
      c += static_cast<std::ptrdiff_t>(rows) * block.c_row;
    }
  }
  template <isa I, std::size_t Rows>
  VITRAIL_INLINE static void run(const PanelBlock& block, std::size_t rows, const float* a, float* c) {
    if constexpr (Rows < most)
      if (rows > Rows) return run<I, Rows + 1>(block, rows, a, c);
    detail::tile<I, Rows, 1>(block, a, block.a_row, block.a_column, c, nullptr);
  }
};

template <isa I>
void head_product(const HeadProduct& p) {
  const ColumnPanels<I> columns(p.columns);
  for (std::size_t i = 0; i < columns.panels; ++i) {
    const std::size_t begin = columns.begin(i), vectors = columns.vectors(i);
    const PanelBlock block{.rows = p.rows,
                           .depth = p.depth,
                           .a = p.a,
                           .a_row = p.a_row,
                           .a_column = p.a_column,
                           .b = p.b.data + (p.b.row ? begin : begin * p.depth),
                           .b_row = p.b.row ? p.b.row : static_cast<std::ptrdiff_t>(columns.width(i)),
                           .c = p.c + begin,
                           .c_row = p.c_row,
                           .last = columns.last(i),
                           .add = p.add};
    if constexpr (I == isa::avx512)
      if (vectors == 1 && p.rows > NarrowPanel::least) {
        on<I>::template call<NarrowPanel>(&block);
        continue;
      }
    panel_product<I>(vectors, block);
  }
}

// Packs B(k, j) = b[k * b_row + j * b_column], [depth, columns], into whole_lanes(columns) * depth floats.
template <isa I>
HeadRight pack_right(float* packed, const float* b, std::ptrdiff_t b_row, std::ptrdiff_t b_column, std::size_t depth,
                     std::size_t columns) {
  const ColumnPanels<I> panels(columns);
  for (std::size_t p = 0; p < panels.panels; ++p)
    on<I>::template call<PackPanel>(packed + panels.begin(p) * depth, panels.width(p),
                                    b + static_cast<std::ptrdiff_t>(panels.begin(p)) * b_column, b_row, b_column, depth,
                                    panels.count(p));
  return {packed};
}
// The same of a matrix with contiguous rows: if they are whole registers, and so few that they stay in the first cache
// however far apart, they are read where they lie.
template <isa I>
HeadRight rows_right(float* packed, const float* b, std::ptrdiff_t b_row, std::size_t depth, std::size_t columns) {
  if (columns % lane_width<I> == 0 && depth <= 64 && b_row > 0) return {b, b_row};
  return pack_right<I>(packed, b, b_row, 1, depth, columns);
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
