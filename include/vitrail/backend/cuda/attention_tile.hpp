// attention_tile.hpp - how the attention kernels cut their work: blocks, tiles of queries times keys, and their rows.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "../attention.hpp"
#include "programs.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// Numbers of tokens, channels, heads and blocks are 32 bits wide here: a GPU divides 64 by calling a function.
constexpr unsigned narrow(std::integral auto n) { return static_cast<unsigned>(n); }
constexpr unsigned at_most(unsigned n, unsigned limit) { return n < limit ? n : limit; }

// Blocks are numbered by group (or chunk of groups), head, tile and slice of the result's channels, the last one
// fastest.
struct AttentionGrid {
  unsigned groups, heads, tiles, slices;
  WindowsOf<unsigned> windows;
  template <class T, class X>
  AttentionGrid(const kernels::Attention<T, X>& a, std::size_t groups_or_chunks, std::size_t tiles_of_head,
                unsigned slices_of_channels)
      : groups(narrow(groups_or_chunks)),
        heads(narrow(a.heads)),
        tiles(narrow(tiles_of_head)),
        slices(slices_of_channels),
        windows{narrow(a.windows.height),  narrow(a.windows.width),      narrow(a.windows.rows),
                narrow(a.windows.columns), narrow(a.windows.shift_rows), narrow(a.windows.shift_columns)} {}
  constexpr std::size_t blocks() const { return std::size_t(groups) * heads * tiles * slices; }
};
struct AttentionPlace {
  unsigned group, head, tile, slice;
  constexpr AttentionPlace(const AttentionGrid& grid, std::size_t block)
      : group(narrow(block) / (grid.heads * grid.tiles * grid.slices)),
        head(narrow(block) / (grid.tiles * grid.slices) % grid.heads),
        tile(narrow(block) / grid.slices % grid.tiles),
        slice(narrow(block) % grid.slices) {}
};

// A token of a tile: its number in the sample, and on which side of the seams of its window it is.
struct TileToken {
  unsigned number, side;
};
// The rows of a tile in one head of a query, key, value or gradient; the other rows of the tile are zero. Strides in
// bytes make an address one multiplication.
template <class T>
struct TileRows {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  T* data;
  unsigned row_bytes;
  const TileToken* tokens;
  unsigned count;
  VITRAIL_HOST_DEVICE T* at(unsigned r) const {
    return reinterpret_cast<T*>(reinterpret_cast<Byte*>(data) + std::size_t(tokens[r].number) * row_bytes);
  }
};

// N values at an address that is a multiple of their size (or of 16 bytes): one access of the device.
template <unsigned N, class T>
VITRAIL_HOST_DEVICE void read_together(const T* from, T (&to)[N]) {
  constexpr std::size_t alignment = N * sizeof(T) < 16 ? N * sizeof(T) : 16;
  std::memcpy(to, __builtin_assume_aligned(from, alignment), sizeof(to));
}

// Rows are those of the tile's queries, columns its keys, or the other way round. Thread (y, x) of 16 x 16 holds rows
// y * own + i and columns x + 16 j.
template <class T>
struct AttentionTile {
  static constexpr unsigned threads = 256, across = 16, own = sizeof(T) == sizeof(float) ? 4 : 2, size = across * own;
  static constexpr bool cooperates = true;
  // Of a product's rows, 32 channels at a time lie in shared memory. The 4 put neighbouring rows on different banks.
  static constexpr unsigned depth = 32, panel_row = depth + 4, panels = 2 * size * panel_row, strip_row = size + 4;
  static constexpr std::size_t shared_bytes =
      (panels + size * strip_row + 2 * size) * sizeof(T) + 2 * size * sizeof(TileToken);
  // Rows of a right side of so many columns that fit in the panels.
  static constexpr unsigned chunk(unsigned columns) {
    unsigned rows = size;
    while (rows * columns > panels) rows /= 2;
    return rows;
  }
  using Elements = T[own][own];
  template <unsigned Columns>
  using Results = T[own][Columns / across];
};

// Calls f<Columns>(slices): how many channels of a result a block computes, and how many blocks do all of them.
template <class F>
void with_columns(std::size_t channels, const F& f) {
  if (channels <= 32) return f.template operator()<32>(1);
  if (channels <= 64) return f.template operator()<64>(1);
  f.template operator()<128>(narrow(blocks_for(channels, 128)));
}

}  // namespace vitrail::inline VITRAIL_TU::cuda
