// attention_block.hpp - what the attention kernels are made of: a block works on a tile of queries times keys, a few
// elements to each thread, and never writes scores to the device's memory.
//
// A tile is a matrix product of rows with rows (scores, gradients of probabilities), whose result the threads hold; put
// in shared memory, the strip, it is the left side of a second product, with rows of values, keys or queries.
#pragma once

#include <cstddef>
#include <limits>

#include "../lane_math.hpp"
#include "attention_group.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// One thread of a block that works on one head of one group of tokens. T is computed with, X lies in the device's
// memory.
template <class Thread, class T, class X>
struct AttentionBlock : AttentionTile<T>, AttentionGroup<Thread, T, X, AttentionTile<T>::size> {
  using Tile = AttentionTile<T>;
  using Group = AttentionGroup<Thread, T, X, AttentionTile<T>::size>;
  using Group::thread, Group::channels;
  using Tile::across, Tile::own, Tile::size, Tile::depth, Tile::panel_row, Tile::panels, Tile::strip_row, Tile::numbers;
  using typename Tile::Elements;
  const unsigned x, y;
  T *const panel, *const strip, *const shifts, *const dots;

  VITRAIL_HOST_DEVICE AttentionBlock(const Thread& t, const kernels::Attention<T, X>& attention,
                                     const AttentionGrid& grid, const AttentionPlace& place)
      : Group(t, attention, grid, place, reinterpret_cast<TileToken*>(t.template shared<T>() + numbers)),
        x(t.index() % across),
        y(t.index() / across),
        panel(t.template shared<T>()),
        strip(panel + panels),
        shifts(strip + size * strip_row),
        dots(shifts + size) {}
  // Products of queries and keys become scores (AttentionGroup). Rows are the queries, or the keys.
  template <bool RowsAreQueries>
  VITRAIL_HOST_DEVICE void score(Elements& s, unsigned first_query, unsigned first_key) const {
    this->finish_scores(first_query, first_key, [&](const auto& f) {
      for (unsigned i = 0; i < own; ++i) {
        for (unsigned j = 0; j < own; ++j) {
          const unsigned r = y * own + i, c = x + across * j;
          f(s[i][j], RowsAreQueries ? r : c, RowsAreQueries ? c : r);
        }
      }
    });
  }
  // Of what the 16 threads of a row have.
  VITRAIL_HOST_DEVICE T sum_of_row(T sum) const {
    for (unsigned mask = across / 2; mask > 0; mask /= 2) sum += thread.from_lane(sum, mask, warp_size);
    return sum;
  }
  VITRAIL_HOST_DEVICE T max_of_row(T top) const {
    for (unsigned mask = across / 2; mask > 0; mask /= 2) top = max(top, thread.from_lane(top, mask, warp_size));
    return top;
  }

  // Rows [first, first + Count) of m, channels [left, left + Width), zero where there are none. `stride`: of the copy.
  // Eight values are under way at a time: a store to shared memory lets no later read of it pass.
  template <unsigned Count, unsigned Width>
  VITRAIL_HOST_DEVICE void load(T* to, unsigned stride, const TileRows<const X>& m, unsigned first,
                                unsigned left) const {
    constexpr unsigned warps = Tile::threads / warp_size, wide = Width / warp_size;
    constexpr unsigned together = at_most(8 / wide, Count / warps);
    static_assert(Count % (together * warps) == 0);
    const unsigned lane = thread.index() % warp_size;
    VITRAIL_UNROLL(1)
    for (unsigned top = thread.index() / warp_size; top < Count; top += together * warps) {
      T values[together][wide];
      for (unsigned n = 0; n < together; ++n) {
        const unsigned r = first + top + n * warps;
        const X* from = m.at(r) + left + lane;
        for (unsigned e = 0; e < wide; ++e) {
          const bool is_there = r < m.count && left + lane + e * warp_size < channels;
          values[n][e] = is_there ? T(from[e * warp_size]) : T(0);
        }
      }
      T* target = to + top * stride + lane;
      for (unsigned n = 0; n < together; ++n) {
        for (unsigned e = 0; e < wide; ++e) target[n * warps * stride + e * warp_size] = values[n][e];
      }
    }
  }
  // sums[i][j] += the product of a row of m and a row of n.
  VITRAIL_HOST_DEVICE void add_products(const TileRows<const X>& m, const TileRows<const X>& n, Elements& sums) const {
    T* const second = panel + size * panel_row;
    VITRAIL_UNROLL(1)
    for (unsigned left = 0; left < channels; left += depth) {
      load<size, depth>(panel, panel_row, m, 0, left);
      load<size, depth>(second, panel_row, n, 0, left);
      thread.sync();
      // Warps without rows leave the cores to others.
      VITRAIL_UNROLL(1)
      for (unsigned c = 0, end = y * own < m.count ? at_most(channels - left, depth) : 0; c < end; c += 4) {
        T rows[own][4], columns[4];
        for (unsigned i = 0; i < own; ++i) read_together(panel + (y * own + i) * panel_row + c, rows[i]);
        for (unsigned j = 0; j < own; ++j) {
          read_together(second + (x + across * j) * panel_row + c, columns);
          for (unsigned i = 0; i < own; ++i) {
            for (unsigned e = 0; e < 4; ++e) sums[i][j] += rows[i][e] * columns[e];
          }
        }
      }
      thread.sync();
    }
  }
  VITRAIL_HOST_DEVICE void fill_strip(const Elements& values) const {
    for (unsigned i = 0; i < own; ++i) {
      for (unsigned j = 0; j < own; ++j) strip[(y * own + i) * strip_row + x + across * j] = values[i][j];
    }
  }
  // sums += the first `count` rows of the strip, times the rows of m, channels [left, left + Columns): a thread's are
  // 2 x, 2 x + 1 and those 32, 64 .. further.
  template <unsigned Columns>
  VITRAIL_HOST_DEVICE void add_strip_times(const TileRows<const X>& m, unsigned count, unsigned left,
                                           typename Tile::template Results<Columns>& sums) const {
    constexpr unsigned chunk = Tile::chunk(Columns), pairs = Columns / across / 2;
    VITRAIL_UNROLL(1)
    for (unsigned first = 0; first < m.count; first += chunk) {
      load<chunk, Columns>(panel, Columns, m, first, left);
      thread.sync();
      const unsigned end = y * own < count ? at_most(m.count - first, chunk) : 0;
      VITRAIL_UNROLL(1)
      for (unsigned k = 0; k < end; k += 4) {
        T rows[own][4], columns[2];
        for (unsigned i = 0; i < own; ++i) read_together(strip + (y * own + i) * strip_row + first + k, rows[i]);
        for (unsigned e = 0; e < 4; ++e) {
          for (unsigned p = 0; p < pairs; ++p) {
            read_together(panel + (k + e) * Columns + 2 * (across * p + x), columns);
            for (unsigned i = 0; i < own; ++i) {
              sums[i][2 * p] += rows[i][e] * columns[0];
              sums[i][2 * p + 1] += rows[i][e] * columns[1];
            }
          }
        }
      }
      thread.sync();
    }
  }
  // m = scale * sums, or += .
  template <unsigned Columns>
  VITRAIL_HOST_DEVICE void write(const TileRows<X>& m, unsigned left, T scale, bool add,
                                 const typename Tile::template Results<Columns>& sums) const {
    for (unsigned i = 0; i < own && y * own + i < m.count; ++i) {
      X* const to = m.at(y * own + i) + left + 2 * x;
      T before[Columns / across] = {};  // read together: each by itself would wait for the memory
      for (unsigned c = 0; c < Columns / across; ++c) {
        const unsigned j = across * (c - c % 2) + c % 2;
        if (add && left + 2 * x + j < channels) before[c] = to[j];
      }
      for (unsigned c = 0; c < Columns / across; ++c) {
        const unsigned j = across * (c - c % 2) + c % 2;
        if (left + 2 * x + j < channels) to[j] = X(before[c] + scale * sums[i][c]);
      }
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
