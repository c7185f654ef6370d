// attention_group.hpp - where a block of an attention kernel works: one head of one group of tokens, in tiles of Size
// queries and keys, and what masks and biases do to a score there.
#pragma once

#include <cstddef>
#include <limits>

#include "../lane_math.hpp"
#include "attention_tile.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// The probability that comes of a score. Rounding of huge scores may leave more than zero, and P above one.
template <class T>
VITRAIL_HOST_DEVICE T probability(T score, T log_sum_exp) {
  return exp(min(T(0), score - log_sum_exp));
}
// Groups cut into chunks, of which the first ones have one more.
struct GroupChunks {
  unsigned per_chunk, longer;
  GroupChunks(std::size_t groups, std::size_t chunks)
      : per_chunk(narrow(chunks ? groups / chunks : 0)), longer(narrow(chunks ? groups % chunks : 0)) {}
  // The first group of a chunk.
  constexpr unsigned begin(unsigned chunk) const { return chunk * per_chunk + at_most(chunk, longer); }
};

// As one thread of the block sees it. Scores are of type T, X lies in the device's memory.
template <class Thread, class T, class X, unsigned Size>
struct AttentionGroup {
  const Thread& thread;
  const kernels::Attention<T, X>& a;
  const WindowsOf<unsigned>& windows;
  const unsigned head, queries, keys, channels;
  TileToken *const query_tokens, *const key_tokens;  // in the block's memory
  unsigned sample = 0, window = 0;
  bool has_sides = false;  // a seam runs through the window

  // `tokens`: room for those of two tiles.
  VITRAIL_HOST_DEVICE AttentionGroup(const Thread& t, const kernels::Attention<T, X>& attention,
                                     const AttentionGrid& grid, const AttentionPlace& place, TileToken* tokens)
      : thread(t),
        a(attention),
        windows(grid.windows),
        head(place.head),
        queries(narrow(attention.queries)),
        keys(narrow(attention.keys)),
        channels(narrow(attention.channels)),
        query_tokens(tokens),
        key_tokens(tokens + Size) {}
  VITRAIL_HOST_DEVICE void enter(unsigned group) {
    const unsigned count = windows.count();
    sample = group / count, window = group % count;
    has_sides = windows.shifted() && windows.kind(window) != 0;
  }

  // Finds tokens [first, first + Size) of `count`. Other threads see them after the next sync.
  VITRAIL_HOST_DEVICE void find(TileToken* tokens, unsigned first, unsigned count) const {
    const unsigned r = thread.index(), i = first + r;
    if (r >= Size) return;
    const bool is_token = i < count;
    tokens[r] = {is_token && windows ? windows.token(window, i) : is_token ? i : 0, 0};
    if (!has_sides || !is_token) return;
    const WindowsOf<unsigned>::Box box = windows.visible(windows.kind(window), i);
    tokens[r].side = (box.top > 0 ? 2u : 0u) + (box.left > 0 ? 1u : 0u);
  }
  template <class Element>
  VITRAIL_HOST_DEVICE TileRows<Element> query_rows(const kernels::Heads<Element>& m, unsigned first) const {
    return {m.at(sample, head), narrow(m.row) * unsigned{sizeof(X)}, query_tokens, at_most(queries - first, Size)};
  }
  template <class Element>
  VITRAIL_HOST_DEVICE TileRows<Element> key_rows(const kernels::Heads<Element>& m, unsigned first) const {
    return {m.at(sample, head), narrow(m.row) * unsigned{sizeof(X)}, key_tokens, at_most(keys - first, Size)};
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
  // -infinity. each(f) calls f(element, query, key) for those of the thread, numbered in the tiles; what all threads
  // decide alike is decided once.
  template <class Each>
  VITRAIL_HOST_DEVICE void finish_scores(unsigned first_query, unsigned first_key, const Each& each) const {
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
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
