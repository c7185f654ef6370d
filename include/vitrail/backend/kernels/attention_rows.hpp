// attention_rows.hpp - the rows of one head that a task of attention works on: where they lie, or those of a window,
// copied together.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../attention.hpp"
#include "../isa.hpp"
#include "../rows.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Copies the rows of window w of a map, `row` floats apart, to (out of) consecutive rows of `channels` floats.
struct WindowRows {
  const Windows* windows;
  std::size_t window, channels;
  std::ptrdiff_t row;
};
// f(token in the window, its offset in the map), without a division for each.
template <class F>
VITRAIL_INLINE void each_window_row(const WindowRows& at, const F& f) {
  const Windows& w = *at.windows;
  std::size_t i = 0, y = w.first_row(at.window) % w.height;
  const std::size_t first = w.first_column(at.window) % w.width;
  for (std::size_t r = 0; r < w.rows; ++r, y = y + 1 == w.height ? 0 : y + 1) {
    std::size_t x = first;
    for (std::size_t c = 0; c < w.columns; ++c, ++i, x = x + 1 == w.width ? 0 : x + 1) {
      f(i, static_cast<std::ptrdiff_t>(y * w.width + x) * at.row);
    }
  }
}
struct GatherWindow {
  template <isa I>
  VITRAIL_INLINE static void body(const WindowRows* at, const float* map, float* rows) {
    using L = lane<I>;
    const std::size_t channels = at->channels;
    each_window_row(*at, [&](std::size_t i, std::ptrdiff_t offset) VITRAIL_LAMBDA {
      each_lane<L>(0, channels,
                   [&](auto j) VITRAIL_LAMBDA { put<L>(rows + i * channels, j, get<L>(map + offset, j)); });
    });
  }
};
struct ScatterWindow {
  template <isa I>
  VITRAIL_INLINE static void body(const WindowRows* at, const float* rows, float* map, bool add) {
    using L = lane<I>;
    const std::size_t channels = at->channels;
    each_window_row(*at, [&](std::size_t i, std::ptrdiff_t offset) VITRAIL_LAMBDA {
      each_lane<L>(0, channels,
                   [&](auto j) VITRAIL_LAMBDA { put<L>(map + offset, j, get<L>(rows + i * channels, j), add); });
    });
  }
};

template <class T>
struct HeadRows {
  T* data;
  std::ptrdiff_t row;
  T* at(std::size_t i) const { return data + static_cast<std::ptrdiff_t>(i) * row; }
};

// Which rows: those of one head of one group.
struct HeadPlace {
  const Attention<float>& a;
  std::size_t group, head;

  std::size_t sample() const { return group / a.windows.count(); }
  WindowRows window(std::ptrdiff_t row) const { return {&a.windows, group % a.windows.count(), a.channels, row}; }
  template <isa I>
  HeadRows<const float> read(const Heads<const float>& from, float* copy) const {
    const float* data = from.at(sample(), head);
    if (!a.windows) return {data, from.row};
    const WindowRows rows = window(from.row);
    on<I>::template call<GatherWindow>(&rows, data, copy);
    return {copy, static_cast<std::ptrdiff_t>(a.channels)};
  }
  // Keys or values: those of a window, then the extra ones of its sample.
  template <isa I>
  HeadRows<const float> read_keys(const Heads<const float>& from, const Heads<const float>& extra, float* copy) const {
    const HeadRows<const float> rows = read<I>(from, copy);
    for (std::size_t i = 0; i < a.extra; ++i) {
      std::copy_n(extra.at(sample(), head) + static_cast<std::ptrdiff_t>(i) * extra.row, a.channels,
                  copy + (a.keys - a.extra + i) * a.channels);
    }
    return rows;
  }
  // Where results are written; then `written` brings them to their place. Not wanted: null.
  HeadRows<float> write(const Heads<float>& to, float* copy) const {
    if (!to.data) return {nullptr, 0};
    if (a.windows) return {copy, static_cast<std::ptrdiff_t>(a.channels)};
    return {to.at(sample(), head), to.row};
  }
  template <isa I>
  void written(const Heads<float>& to, const float* copy, bool add = false) const {
    if (!a.windows || !to.data) return;
    const WindowRows rows = window(to.row);
    on<I>::template call<ScatterWindow>(&rows, copy, to.at(sample(), head), add);
  }
  HeadRows<float> write_keys(const Heads<float>& to, const Heads<float>& extra, float* copy) const {
    return write(extra.data ? extra : to, copy);
  }
  template <isa I>
  void written_keys(const Heads<float>& to, const Heads<float>& extra, const float* copy, bool add) const {
    written<I>(to, copy, add);
    if (!extra.data) return;
    for (std::size_t i = 0; i < a.extra; ++i) {
      std::copy_n(copy + (a.keys - a.extra + i) * a.channels, a.channels,
                  extra.at(group, head) + static_cast<std::ptrdiff_t>(i) * extra.row);
    }
  }
};

// What is added to the scores of queries from `first` on, and where their log-sum-exp is; null where there is none.
inline const float* bias_at(const Attention<float>& a, std::size_t head, std::size_t first) {
  return a.bias ? a.bias + (head * a.queries + first) * a.keys : nullptr;
}
inline const float* mask_at(const Attention<float>& a, const float* tables, std::size_t group, std::size_t first) {
  const std::size_t table = a.masks() ? a.mask_of(group) : Attention<float>::no_mask;
  return table == Attention<float>::no_mask ? nullptr : tables + (table * a.queries + first) * a.keys;
}
inline float* log_sum_exp_at(const Attention<float>& a, std::size_t group, std::size_t head, std::size_t first) {
  return a.log_sum_exp ? a.log_sum_exp + (group * a.heads + head) * a.queries + first : nullptr;
}
inline std::size_t mask_floats(const Attention<float>& a) { return a.mask_tables() * a.queries * a.keys; }
inline void fill_masks(const Attention<float>& a, float* tables) {
  const MaskTables<float> program = mask_tables(a, tables);
  for (std::size_t r = 0; r < a.mask_tables() * a.queries; ++r) program.row(Row<float>{}, r);
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
