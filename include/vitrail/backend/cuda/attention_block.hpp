// attention_block.hpp - what the attention kernels are made of: a block works on a tile of queries times keys, a few
// elements to each thread, and never writes scores to the device's memory.
//
// A tile is a matrix product of rows with rows (scores, gradients of probabilities), whose result the threads hold; put
// in shared memory, the strip, it is the left side of a second product, with rows of values, keys or queries.
#pragma once

#include <cstddef>
#include <limits>

#include "../lane_math.hpp"
#include "attention_tile.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// One thread of a block that works on one head of one group of tokens. T is computed with, X lies in the device's
// memory.
template <class Thread, class T, class X>
struct AttentionBlock : AttentionTile<T> {
  using Tile = AttentionTile<T>;
  using Tile::across, Tile::own, Tile::size, Tile::depth, Tile::panel_row, Tile::panels, Tile::strip_row;
  using typename Tile::Elements;
  const Thread& thread;
  const kernels::Attention<T, X>& a;
  const WindowsOf<unsigned>& windows;
  const unsigned x, y, head, queries, keys, channels;
  T *const panel, *const strip, *const shifts, *const dots;
  TileToken *const query_tokens, *const key_tokens;
  unsigned sample = 0, window = 0;
  bool has_sides = false;  // a seam runs through the window

  VITRAIL_HOST_DEVICE AttentionBlock(const Thread& t, const kernels::Attention<T, X>& attention,
                                     const AttentionGrid& grid, const AttentionPlace& place)
      : thread(t),
        a(attention),
        windows(grid.windows),
        x(t.index() % across),
        y(t.index() / across),
        head(place.head),
        queries(narrow(attention.queries)),
        keys(narrow(attention.keys)),
        channels(narrow(attention.channels)),
        panel(t.template shared<T>()),
        strip(panel + panels),
        shifts(strip + size * strip_row),
        dots(shifts + size),
        query_tokens(reinterpret_cast<TileToken*>(dots + size)),
        key_tokens(query_tokens + size) {}
  VITRAIL_HOST_DEVICE void enter(unsigned group) {
    const unsigned count = windows.count();
    sample = group / count, window = group % count;
    has_sides = windows.shifted() && windows.kind(window) != 0;
  }

  // Finds tokens [first, first + size) of `count`. Other threads see them after the next sync.
  VITRAIL_HOST_DEVICE void find(TileToken* tokens, unsigned first, unsigned count) const {
    const unsigned r = thread.index(), i = first + r;
    if (r >= size) return;
    const bool is_token = i < count;
    tokens[r] = {is_token && windows ? windows.token(window, i) : is_token ? i : 0, 0};
    if (!has_sides || !is_token) return;
    const WindowsOf<unsigned>::Box box = windows.visible(windows.kind(window), i);
    tokens[r].side = (box.top > 0 ? 2u : 0u) + (box.left > 0 ? 1u : 0u);
  }
  template <class Element>
  VITRAIL_HOST_DEVICE TileRows<Element> query_rows(const kernels::Heads<Element>& m, unsigned first) const {
    return {m.at(sample, head), narrow(m.row) * unsigned{sizeof(X)}, query_tokens, at_most(queries - first, size)};
  }
  template <class Element>
  VITRAIL_HOST_DEVICE TileRows<Element> key_rows(const kernels::Heads<Element>& m, unsigned first) const {
    return {m.at(sample, head), narrow(m.row) * unsigned{sizeof(X)}, key_tokens, at_most(keys - first, size)};
  }

  // With a mask of -infinity, keys [0, seen_until) are all that queries [0, last] see, and queries before seen_from do
  // not see the keys from `first` on.
  VITRAIL_HOST_DEVICE bool skips() const { return a.causal && a.masked < -std::numeric_limits<T>::max(); }
  VITRAIL_HOST_DEVICE unsigned seen_until(unsigned last) const {
    return skips() ? at_most(last + 1 + keys - queries, keys) : keys;
  }
  VITRAIL_HOST_DEVICE unsigned seen_from(unsigned first) const {
    return skips() && first > keys - queries ? first - (keys - queries) : 0;
  }
  // Products of queries and keys become what softmax takes: scaled, with the bias and the mask; outside of both,
  // -infinity. Rows are the queries, or the keys. What all threads decide alike is decided once.
  template <bool RowsAreQueries>
  VITRAIL_HOST_DEVICE void score(Elements& s, unsigned first_query, unsigned first_key) const {
    const auto each = [&](const auto& f) {
      for (unsigned i = 0; i < own; ++i) {
        for (unsigned j = 0; j < own; ++j) {
          const unsigned r = y * own + i, c = x + across * j;
          f(s[i][j], RowsAreQueries ? r : c, RowsAreQueries ? c : r);
        }
      }
    };
    const unsigned query_count = queries - first_query, key_count = keys - first_key;
    each([&](T& e, unsigned, unsigned) { e *= a.scale; });
    if (a.bias) {
      const T* bias = a.bias + (static_cast<std::size_t>(head) * queries + first_query) * keys + first_key;
      each([&](T& e, unsigned q, unsigned k) {
        e += bias[at_most(q, query_count - 1) * keys + at_most(k, key_count - 1)];
      });
    }
    if (a.causal) {
      const unsigned seen = first_query + keys - queries;
      each([&](T& e, unsigned q, unsigned k) {
        if (first_key + k > seen + q) e += a.masked;
      });
    } else if (has_sides) {
      each([&](T& e, unsigned q, unsigned k) {
        if (query_tokens[q].side != key_tokens[k].side) e += a.masked;
      });
    }
    each([&](T& e, unsigned q, unsigned k) {
      if (q >= query_count || k >= key_count) e = -std::numeric_limits<T>::infinity();
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
