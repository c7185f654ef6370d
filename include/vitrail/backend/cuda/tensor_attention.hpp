// tensor_attention.hpp - what the attention kernels of bf16 are made of: a block of four warps works on a tile of 64
// rows, 16 a warp, times tiles of 64 columns, on tensor cores (Dao, FlashAttention-2, 2023). Scores stay in registers:
// the fragments of a sum are, rounded to bf16, the left factor of the next product.
#pragma once

#include <cstddef>

#include "attention_group.hpp"
#include "tensor_tile.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// Channels of a head at most; wider ones have no kernel on tensor cores.
inline constexpr std::size_t widest_tensor_head = 128;

// Width: a head's channels, rounded up; the tiles are filled up with zeros.
template <unsigned Width>
struct TensorAttentionTile {
  static constexpr unsigned threads = 128, size = 64, rows_of_warp = 16;
  static constexpr bool cooperates = true;
  using Shared = SharedTile<Width>;
  // Of so many tiles, then the tokens and two numbers of each row.
  static constexpr std::size_t bytes_of(unsigned tiles) {
    return tiles * Shared::elements(size) * sizeof(bf16) + 2 * size * (sizeof(TileToken) + sizeof(float));
  }
  // 16 rows of a warp times 64 columns, and times Columns channels.
  struct Scores {
    TensorSum part[size / 8];
  };
  template <unsigned Columns>
  struct Results {
    TensorSum part[Columns / 8];
  };
};

// One thread of a block that works on one head of one group of tokens.
template <class Thread, unsigned Width>
struct TensorAttentionBlock : TensorAttentionTile<Width>, AttentionGroup<Thread, float, bf16, 64> {
  using Tile = TensorAttentionTile<Width>;
  using Group = AttentionGroup<Thread, float, bf16, 64>;
  using Tile::size, Tile::threads, Group::thread, Group::channels;
  using typename Tile::Scores, typename Tile::Shared;
  const unsigned first_row;    // of the warp
  const unsigned row, column;  // a lane holds rows row and row + 8 of it, and columns column and column + 1 of eight
  float *const shifts, *const dots;  // of the tile's queries

  VITRAIL_HOST_DEVICE TensorAttentionBlock(const Thread& t, const kernels::Attention<float, bf16>& attention,
                                           const AttentionGrid& grid, const AttentionPlace& place, unsigned tiles)
      : Group(t, attention, grid, place,
              reinterpret_cast<TileToken*>(t.template shared<bf16>() + tiles * Shared::elements(size))),
        first_row(t.index() / warp_size * Tile::rows_of_warp),
        row(first_row + t.index() % warp_size / 4),
        column(t.index() % 4 * 2),
        shifts(reinterpret_cast<float*>(this->key_tokens + size)),
        dots(shifts + size) {}
  VITRAIL_HOST_DEVICE Shared tile(unsigned number) const {
    return {thread.template shared<bf16>() + number * Shared::elements(size)};
  }

  // The rows of m, zeros where there are none.
  VITRAIL_HOST_DEVICE void load(const Shared& to, const TileRows<const bf16>& m) const {
    using Eight = vitrail::detail::Bf16Group<8>;
    for (unsigned i = thread.index(); i < size * (Width / 8); i += threads) {
      const unsigned r = i / (Width / 8), c = i % (Width / 8) * 8;
      const bf16* const from = r < m.count ? m.at(r) + c : nullptr;
      Eight eight;
      if (from && c + 8 <= channels && vitrail::detail::lies_as_group<8>(from)) {
        eight = *reinterpret_cast<const Eight*>(from);
      } else {
        for (unsigned e = 0; e < 8; ++e) eight.v[e] = from && c + e < channels ? from[e] : bf16(0.0f);
      }
      *reinterpret_cast<Eight*>(to.data + r * Shared::stride + c) = eight;
    }
  }
  // sums += the warp's rows of `rows`, times the transposed `columns`.
  VITRAIL_HOST_DEVICE void add_products(const Shared& rows, const Shared& columns, Scores& sums) const {
    VITRAIL_UNROLL(2)
    for (unsigned c = 0; c < Width; c += 16) {
      const LeftFactor left = rows.left(thread, first_row, c);
      for (unsigned n = 0; n < size; n += 16) {
        RightFactor right[2];
        columns.right_transposed(thread, n, c, right);
        multiply_add(thread, left, right[0], sums.part[n / 8]);
        multiply_add(thread, left, right[1], sums.part[n / 8 + 1]);
      }
    }
  }
  // sums += the warp's scores times the rows of m, channels [left, left + Columns).
  template <unsigned Columns>
  VITRAIL_HOST_DEVICE void add_scores_times(const Scores& scores, const Shared& m, unsigned left,
                                            typename Tile::template Results<Columns>& sums) const {
    for (unsigned k = 0; k < size; k += 16) {
      const TensorSum &low = scores.part[k / 8], &high = scores.part[k / 8 + 1];
      const LeftFactor factor{{pair_of(low.at[0], low.at[1]), pair_of(low.at[2], low.at[3]),
                               pair_of(high.at[0], high.at[1]), pair_of(high.at[2], high.at[3])}};
      for (unsigned n = 0; n < Columns; n += 16) {
        RightFactor right[2];
        m.right(thread, k, left + n, right);
        multiply_add(thread, factor, right[0], sums.part[n / 8]);
        multiply_add(thread, factor, right[1], sums.part[n / 8 + 1]);
      }
    }
  }
  // Calls f(element, row, column) for this lane's scores, numbered in the tiles.
  template <class F>
  VITRAIL_HOST_DEVICE void each(Scores& scores, const F& f) const {
    for (unsigned n = 0; n < size / 8; ++n) {
      for (unsigned e = 0; e < 4; ++e) f(scores.part[n].at[e], row + e / 2 * 8, n * 8 + column + e % 2);
    }
  }
  // Products become scores (AttentionGroup). Rows are the queries, or the keys.
  template <bool RowsAreQueries>
  VITRAIL_HOST_DEVICE void score(Scores& s, unsigned first_query, unsigned first_key) const {
    this->finish_scores(first_query, first_key, [&](const auto& f) {
      each(s, [&](float& e, unsigned r, unsigned c) { f(e, RowsAreQueries ? r : c, RowsAreQueries ? c : r); });
    });
  }
  // Of what the four lanes of a row have.
  VITRAIL_HOST_DEVICE float sum_of_row(float sum) const {
    for (unsigned mask = 2; mask > 0; mask /= 2) sum += thread.from_lane(sum, mask, warp_size);
    return sum;
  }
  VITRAIL_HOST_DEVICE float max_of_row(float top) const {
    for (unsigned mask = 2; mask > 0; mask /= 2) top = max(top, thread.from_lane(top, mask, warp_size));
    return top;
  }
  // m = scale * sums, or +=, channels [left, left + Columns).
  template <unsigned Columns>
  VITRAIL_HOST_DEVICE void write(const TileRows<bf16>& m, unsigned left, float scale, bool add,
                                 const typename Tile::template Results<Columns>& sums) const {
    for (unsigned half = 0; half < 2; ++half) {
      const unsigned r = row + half * 8;
      if (r >= m.count) continue;
      bf16* const to = m.at(r) + left + column;
      for (unsigned n = 0; n < Columns; n += 8) {
        for (unsigned e = 0; e < 2; ++e) {
          if (left + n + column + e >= channels) continue;
          const float x = scale * sums.part[n / 8].at[2 * half + e];
          to[n + e] = bf16(add ? to[n + e] + x : x);
        }
      }
    }
  }
};

// Calls f<Width>() with the width of the tiles for heads of so many channels.
template <class F>
void with_tensor_width(std::size_t channels, const F& f) {
  if (channels <= 32) return f.template operator()<32>();
  if (channels <= 64) return f.template operator()<64>();
  f.template operator()<128>();
}

}  // namespace vitrail::inline VITRAIL_TU::cuda
