// attention.hpp - the arguments of an attention, softmax(scale Q K^T + bias) V per head, over whole sequences or in
// windows, and the mask that some of its scores take.
#pragma once

#include <cstddef>
#include <limits>

#include "../config.hpp"
#include "../shape/windows.hpp"
#include "rows.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Where the heads of a query, key, value or output lie: element (batch, head, token, channel) is at
// data[batch * batch_stride + head * head_stride + token * row + channel]. A fused qkv is read in place, never split.
template <class T>
struct Heads {
  T* data = nullptr;
  std::ptrdiff_t row = 0, head = 0, batch = 0;
  constexpr T* at(std::size_t b, std::size_t h) const {
    return data + static_cast<std::ptrdiff_t>(b) * batch + static_cast<std::ptrdiff_t>(h) * head;
  }
};

// With windows, each window of each sample is a group of tokens for itself: queries and keys count those of one, and
// token i of window w is at windows.token(w, i) of the sample. The last `extra` keys are no tokens of the map: they are
// the same for all windows of a sample, and every query sees them.
// Scores are of type T; queries, keys, values and output may lie as a shorter X.
template <class T, class X = T>
struct Attention {
  std::size_t batch = 0, heads = 0, queries = 0, keys = 0, channels = 0;  // channels of one head
  Heads<const X> q, k, v;
  Heads<X> out;
  T* log_sum_exp = nullptr;  // [groups, heads, queries], kept for backward; null in inference
  T scale = 1;
  const T* bias = nullptr;  // [heads, queries, keys], added to the scaled scores, the same in all groups; null: none
  bool causal = false;      // query i sees the keys up to i + keys - queries
  Windows windows = {};
  std::size_t extra = 0;
  Heads<const X> extra_k, extra_v;
  T masked = -std::numeric_limits<T>::infinity();  // added to a score that a mask hides

  constexpr std::size_t groups() const { return batch * windows.count(); }
  constexpr bool masks() const { return causal || windows.shifted(); }
  // Masks are tables [queries, keys]; which one a group takes, or none.
  static constexpr std::size_t no_mask = static_cast<std::size_t>(-1);
  constexpr std::size_t mask_tables() const { return causal ? 1 : windows.shifted() ? Windows::kinds - 1 : 0; }
  constexpr std::size_t mask_of(std::size_t group) const {
    if (causal) return 0;
    const std::size_t kind = windows.shifted() ? windows.kind(group % windows.count()) : 0;
    return kind ? kind - 1 : no_mask;
  }
};

template <class T, class X = T>
struct AttentionGradient {
  Attention<T, X> forward;  // as in forward, out and log_sum_exp filled
  Heads<const X> out_gradient;
  Heads<X> q, k, v;  // gradients; null data: nobody wants it
  bool add_q = false, add_k = false, add_v = false;
  Heads<T> extra_k, extra_v;  // of each group apart, where `batch` counts groups; null: nobody wants it
  T* bias = nullptr;          // gradient of the bias, or null
  bool add_bias = false;
  T* bias_work = nullptr;  // attention_bias_workspace values, if the bias has a gradient
};

// The gradient of a bias is a sum over the groups, in chunks that depend on their number alone.
inline constexpr std::size_t max_bias_chunks = 8;
constexpr std::size_t bias_chunks(std::size_t groups) { return groups < max_bias_chunks ? groups : max_bias_chunks; }
constexpr std::size_t attention_bias_workspace(std::size_t heads, std::size_t queries, std::size_t keys) {
  return max_bias_chunks * heads * queries * keys;
}

// Fills the mask tables [mask_tables, queries, keys] with zero where a query sees a key, else with `masked`. A program
// row is that of one query.
template <class T>
struct MaskTables {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t queries, keys, extra;
  bool causal;
  Windows windows;
  T masked;
  T* to;

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    const std::size_t i = r % queries;
    T* table = to + r * keys;
    if (causal) {
      const std::size_t seen = i + 1 + keys - queries;
      fill(row, table, seen, T(0));
      fill(row, table + seen, keys - seen, masked);
    } else {
      const Windows::Box box = windows.visible(r / queries + 1, i);
      fill(row, table, keys - extra, masked);
      fill(row, table + keys - extra, extra, T(0));
      row.once([]() VITRAIL_LAMBDA {});  // threads that share the row go on together
      for (std::size_t y = box.top; y < box.bottom; ++y) {
        fill(row, table + y * windows.columns + box.left, box.end - box.left, T(0));
      }
    }
  }
  template <class R>
  static VITRAIL_FUNCTION void fill(R row, T* at, std::size_t count, T with) {
    using L = typename R::lane;
    row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(at, j, L(with)); });
  }
};
template <class T>
constexpr MaskTables<T> mask_tables(const Attention<T>& a, T* to) {
  return {a.queries, a.keys, a.extra, a.causal, a.windows, a.masked, to};
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
