// micro.hpp - the micro-kernel of products: rows of A times one panel of B, in registers.
//
// Products, weight gradients and attention are built from panel_product below; PanelBlock says what it can do.
//
// A tile is 6 rows by `tile_vectors` registers of columns: with AVX-512 24 accumulators, 4 registers of B and one
// broadcast of A make 29 of 32; AVX2 and SSE2 have 16 registers, so 6 x 2. Every element of C is a sum over k in
// ascending order with fused multiply-adds (where the machine has them), whatever the tile height and however rows and
// columns are dealt to threads.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "../lane.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Registers of columns in a full panel, and the columns themselves: 64, 16 or 8.
template <isa I>
inline constexpr std::size_t tile_vectors = I == isa::avx512 ? 4 : 2;
template <isa I>
inline constexpr std::size_t panel_width = tile_vectors<I>* lane_width<I>;
inline constexpr std::size_t tile_rows = 6;

constexpr std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// How `rows` rows are cut into tiles of at most 6: `tiles` tiles, the first `taller` of them `height` + 1 rows high,
// the others `height`. From 20 rows on heights are 6 and 5 only: a tile of one row would run at half speed, its
// additions waiting for each other.
struct RowTiles {
  std::size_t tiles, height, taller;
  VITRAIL_INLINE explicit constexpr RowTiles(std::size_t rows)
      : tiles(divide_up(rows, tile_rows)),
        height(rows / std::max<std::size_t>(tiles, 1)),
        taller(rows - tiles * height) {}
};

// The work of one call: C[rows, columns of the panel] = scale * A B (+ C) (+ bias) (+ residual). All pointers are at
// the first row and column of the block; strides count floats.
struct PanelBlock {
  std::size_t rows = 0, depth = 0;  // depth: the k that are summed here
  const float* a = nullptr;         // A(i, p) = a[i * a_row + p * a_column]
  std::ptrdiff_t a_row = 0, a_column = 1;
  bool a_packed = false;  // A in the layout of PackRows (pack.hpp) instead: strides are not read
  bool a_is_far = false;  // rows of A that no cache near holds yet: those of the next tile are asked for
  // B(p, j) = b[p * b_row + j]; a packed panel has b_row = its width. Whole registers are read: a ragged B must be
  // packed (zero-padded).
  const float* b = nullptr;
  std::ptrdiff_t b_row = 0;
  float* c = nullptr;
  std::ptrdiff_t c_row = 0;
  std::size_t last = 0;             // columns of C in the last register of the panel, 1 ... lane width
  bool add = false;                 // to what C holds
  float scale = 1;                  // of the product, before it is added
  const float* bias = nullptr;      // one per column, or null
  const float* residual = nullptr;  // like C, or null; may be C
  std::ptrdiff_t residual_row = 0;
};

namespace detail {

// The end of a tile whose last register is ragged: a rolled loop over the accumulators in memory, with everything
// decided at run time. Its additions come in the order of finish_full.
template <isa I, std::size_t Rows, std::size_t Vectors>
VITRAIL_INLINE void finish_ragged(const PanelBlock& block, const lane<I> (&sums)[Rows][Vectors], float* c,
                                  const float* residual) {
  using L = lane<I>;
  L spilled[Rows * Vectors];
#pragma GCC unroll 12
  for (std::size_t i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) spilled[i * Vectors + j] = sums[i][j];
#pragma GCC unroll 1
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 1
    for (std::size_t j = 0; j < Vectors; ++j) {
      const std::size_t n = j + 1 < Vectors ? L::width : block.last, column = j * L::width;
      L x = spilled[i * Vectors + j];
      if (block.add) x += load<L>(c + column, n);
      if (block.bias != nullptr) x += load<L>(block.bias + column, n);
      if (residual != nullptr) x += load<L>(residual + column, n);
      store(c + column, x, n);
    }
    c += block.c_row;
    if (residual != nullptr) residual += block.residual_row;
  }
}

// Each condition once per tile, with the accumulators still in registers.
template <isa I, std::size_t Rows, std::size_t Vectors>
VITRAIL_INLINE void finish_full(const PanelBlock& block, lane<I> (&sums)[Rows][Vectors], float* c,
                                const float* residual) {
  using L = lane<I>;
  const auto each = [&](auto&& f) VITRAIL_LAMBDA {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) f(i, j);
  };
  const auto at = [](std::size_t i, std::ptrdiff_t row, std::size_t j) VITRAIL_LAMBDA {
    return static_cast<std::ptrdiff_t>(i) * row + static_cast<std::ptrdiff_t>(j * L::width);
  };
  if (block.add)
    each([&](std::size_t i, std::size_t j) VITRAIL_LAMBDA { sums[i][j] += load<L>(c + at(i, block.c_row, j)); });
  if (block.bias != nullptr)
    each([&](std::size_t i, std::size_t j) VITRAIL_LAMBDA { sums[i][j] += load<L>(block.bias + j * L::width); });
  if (residual != nullptr)
    each([&](std::size_t i, std::size_t j)
             VITRAIL_LAMBDA { sums[i][j] += load<L>(residual + at(i, block.residual_row, j)); });
  each([&](std::size_t i, std::size_t j) VITRAIL_LAMBDA { store(c + at(i, block.c_row, j), sums[i][j]); });
}

template <isa I, std::size_t Rows, std::size_t Vectors>
VITRAIL_INLINE void tile(const PanelBlock& block, const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_column,
                         float* c, const float* residual) {
  using L = lane<I>;
  const float* b = block.b;
  const std::ptrdiff_t b_row = block.b_row;
  L sums[Rows][Vectors];
#pragma GCC unroll 12
  for (std::size_t i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) sums[i][j] = L(0.0f);
  // What the sums are added to comes from a far cache; it is asked for before the long loop rather than after it.
  const auto ask_for = [](const float* rows, std::ptrdiff_t row) VITRAIL_LAMBDA {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors * L::width; j += 16)
        __builtin_prefetch(rows + static_cast<std::ptrdiff_t>(i) * row + j);
  };
  if (block.add) ask_for(c, block.c_row);
  if (residual != nullptr) ask_for(residual, block.residual_row);
  const auto multiply = [&](std::size_t depth) VITRAIL_LAMBDA {
    for (std::size_t p = 0; p < depth; ++p) {
      L columns[Vectors];
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) columns[j] = load<L>(b + j * L::width);
#pragma GCC unroll 12
      for (std::size_t i = 0; i < Rows; ++i) {
        const L factor(a[static_cast<std::ptrdiff_t>(i) * a_row]);
#pragma GCC unroll 4
        for (std::size_t j = 0; j < Vectors; ++j) sums[i][j] += factor * columns[j];
      }
      a += a_column;
      b += b_row;
    }
  };
  if constexpr (L::width == 16) {
    // A line of the next tile's rows at a time: rows are too short for the processor to see that they are streams.
    const std::size_t step = block.a_is_far ? 16 : block.depth;
    for (std::size_t p = 0; p < block.depth; p += step) {
      if (block.a_is_far) {
#pragma GCC unroll 12
        for (std::size_t i = 0; i < Rows; ++i) __builtin_prefetch(a + static_cast<std::ptrdiff_t>(i + Rows) * a_row);
      }
      multiply(std::min(step, block.depth - p));
    }
  } else {
    multiply(block.depth);  // with few registers g++ makes the loop slower if it is within another
  }
  // Compared as bits: with 16 registers there is none left for a constant 1.0f that would stay in one over the loop.
  if (std::bit_cast<std::uint32_t>(block.scale) != std::bit_cast<std::uint32_t>(1.0f)) {
    const L scale(block.scale);
#pragma GCC unroll 12
    for (std::size_t i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) sums[i][j] = rounded(sums[i][j] * scale);
  }
  if (block.last == L::width)
    finish_full<I, Rows, Vectors>(block, sums, c, residual);
  else
    finish_ragged<I, Rows, Vectors>(block, sums, c, residual);
}

}  // namespace detail

// A run of tiles of equal height times a panel of `Vectors` registers of columns. A root of its own for each height:
// with all heights in one function g++ spills an accumulator of the AVX2 tile inside its loop, which halves the speed.
template <std::size_t Rows, std::size_t Vectors>
struct TileRun {
  template <isa I>
  VITRAIL_INLINE static void body(const PanelBlock* block, std::size_t tiles, const float* a, float* c,
                                  const float* residual) {
    constexpr auto rows = static_cast<std::ptrdiff_t>(Rows);
    const bool packed = block->a_packed;
    const std::ptrdiff_t a_row = packed ? 1 : block->a_row, a_column = packed ? rows : block->a_column;
    const std::ptrdiff_t a_tile = rows * (packed ? static_cast<std::ptrdiff_t>(block->depth) : block->a_row);
    for (std::size_t t = 0; t < tiles; ++t) {
      detail::tile<I, Rows, Vectors>(*block, a, a_row, a_column, c, residual);
      a += a_tile;
      c += rows * block->c_row;
      if (residual != nullptr) residual += rows * block->residual_row;
    }
  }
};

// Runs a block whose panel has `Vectors` registers of columns.
template <isa I, std::size_t Vectors>
void panel_product(const PanelBlock& block) {
  std::size_t row = 0;
  const auto run = [&]<std::size_t Rows>(std::integral_constant<std::size_t, Rows>, std::size_t tiles) {
    if (tiles == 0) return;
    const auto first = static_cast<std::ptrdiff_t>(row);
    on<I>::template call<TileRun<Rows, Vectors>>(
        &block, tiles, block.a + first * (block.a_packed ? static_cast<std::ptrdiff_t>(block.depth) : block.a_row),
        block.c + first * block.c_row,
        block.residual == nullptr ? nullptr : block.residual + first * block.residual_row);
    row += tiles * Rows;
  };
  const auto run_height = [&](std::size_t height, std::size_t tiles) {
    if (height == 6) {
      // One register of columns: 6 accumulators are too few to hide the latency of an addition, 12 are not.
      if constexpr (Vectors == 1)
        if (!block.a_packed) run(std::integral_constant<std::size_t, 12>{}, tiles / 2), tiles %= 2;
      run(std::integral_constant<std::size_t, 6>{}, tiles);
    } else if (height == 5) {
      run(std::integral_constant<std::size_t, 5>{}, tiles);
    } else if (height == 4) {
      run(std::integral_constant<std::size_t, 4>{}, tiles);
    } else {
      run(std::integral_constant<std::size_t, 1>{}, tiles * height);
    }
  };
  const RowTiles split(block.rows);
  run_height(split.height + 1, split.taller);
  run_height(split.height, split.tiles - split.taller);
}

// The same for a run-time number of registers, 1 ... tile_vectors<I>.
template <isa I>
void panel_product(std::size_t vectors, const PanelBlock& block) {
  if constexpr (tile_vectors<I> == 4) {
    if (vectors == 4) return panel_product<I, 4>(block);
    if (vectors == 3) return panel_product<I, 3>(block);
  }
  if (vectors == 2) return panel_product<I, 2>(block);
  panel_product<I, 1>(block);
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
