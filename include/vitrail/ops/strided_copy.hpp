// strided_copy.hpp - copies along a list of axes (shape/strided.hpp): what all operations that move data are made of.
//
// The axis that is contiguous in what is written decides: if it is so in what is read too, the copy is runs of lanes;
// if another one is, squares are transposed in registers; else it goes element by element.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "../backend/bf16.hpp"
#include "../backend/lane_shuffle.hpp"
#include "../backend/rows.hpp"
#include "../backend/strided.hpp"
#include "../shape/strided.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Axes as a program holds them: the first `outer` are known by the number of the row, as is the block of the axis after
// them; what is further in is walked.
struct StridedLoops {
  StridedAxis axes[max_strided_axes];
  std::size_t size, outer, block;
};
struct StridedOffsets {
  std::size_t in = 0, out = 0;
};
// The number of the row is taken apart: `r` is what is left for the axes before `end`.
VITRAIL_FUNCTION StridedOffsets offsets_of(const StridedAxis* axes, std::size_t end, std::size_t r) {
  StridedOffsets at;
  for (std::size_t i = end; i-- > 0; r /= axes[i].extent) {
    at.in += r % axes[i].extent * axes[i].in;
    at.out += r % axes[i].extent * axes[i].out;
  }
  return at;
}
// A row is one block and all axes inside it. A null `from` writes `fill`.
template <class T>
struct StridedCopy {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  StridedLoops loops;
  const T* from;
  T* to;
  value fill;
  bool adds;

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    const std::size_t outer = loops.outer, last = loops.size - 1;
    const StridedAxis* axes = loops.axes;
    const std::size_t blocks = (axes[outer].extent + loops.block - 1) / loops.block;
    const std::size_t first = r % blocks * loops.block;
    const std::size_t left = axes[outer].extent - first, turns = left < loops.block ? left : loops.block;
    StridedOffsets at = offsets_of(axes, outer, r / blocks);
    at.in += first * axes[outer].in;
    at.out += first * axes[outer].out;
    // All but the last two axes are counted through. The last may be the one that is cut.
    const bool runs_only = outer == last;
    const std::size_t middle = runs_only ? last : last - 1, count = runs_only ? turns : axes[last].extent;
    StridedAxis round = axes[middle];
    if (middle == outer) round.extent = runs_only ? 1 : turns;
    std::size_t turn[max_strided_axes] = {};
    for (bool more = true; more;) {
      runs(row, at, round, count);
      more = false;
      for (std::size_t i = middle; i-- > outer && !more;) {
        at.in += axes[i].in;
        at.out += axes[i].out;
        const std::size_t extent = i == outer ? turns : axes[i].extent;
        more = ++turn[i] < extent;
        if (more) continue;
        turn[i] = 0;
        at.in -= extent * axes[i].in;
        at.out -= extent * axes[i].out;
      }
    }
  }

 private:
  // The last axis, once for each turn of the one round it. What decides is asked before the loops.
  template <class R>
  VITRAIL_FUNCTION void runs(R row, StridedOffsets at, StridedAxis middle, std::size_t count) const {
    using L = typename R::lane;
    const StridedAxis axis = loops.axes[loops.size - 1];
    const T* source = from ? from + at.in : nullptr;
    T* target = to + at.out;
    const bool lanes_of_both = axis.out == 1 && axis.in == 1, copies = from && !adds;
    if (copies && lanes_of_both && count >= lanes<L>::width) {
      for (std::size_t i = 0; i < middle.extent; ++i, source += middle.in, target += middle.out) {
        row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, get<L>(source, j)); });
      }
    } else if (copies && lanes_of_both) {
      for (std::size_t i = 0; i < middle.extent; ++i, source += middle.in, target += middle.out) {
        row.each(count, [&](auto j) VITRAIL_LAMBDA {
          for (std::size_t k = j.at; k < j.at + elements_of<L>(j); ++k) target[k] = source[k];
        });
      }
    } else if (copies && axis.out == 1 && axis.in == 0 && count >= lanes<L>::width) {
      for (std::size_t i = 0; i < middle.extent; ++i, source += middle.in, target += middle.out) {
        const L x = L(value(*source));
        row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, x); });
      }
    } else if (from && lanes_of_both && count >= lanes<L>::width) {
      for (std::size_t i = 0; i < middle.extent; ++i, source += middle.in, target += middle.out) {
        row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, get<L>(source, j), true); });
      }
    } else if (!from && axis.out == 1) {
      for (std::size_t i = 0; i < middle.extent; ++i, target += middle.out) {
        row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, L(fill)); });
      }
    } else {
      for (std::size_t i = 0; i < middle.extent; ++i, target += middle.out) {
        row.each(count, [&](auto j) VITRAIL_LAMBDA {
          for (std::size_t k = j.at; k < j.at + elements_of<L>(j); ++k) {
            const value x = source ? value(source[k * axis.in]) : fill;
            target[k * axis.out] = T(adds ? target[k * axis.out] + x : x);
          }
        });
        if (source) source += middle.in;
      }
    }
  }
};

// The last two axes: `inner` has stride 1 in what is read, the last one stride 1 in what is written. A row is a tile of
// them.
template <class T>
struct StridedTiles {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  StridedAxis axes[max_strided_axes];
  std::size_t size;
  std::size_t height, width;  // of a tile, along the one and the other
  const T* from;
  T* to;
  bool adds;

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const StridedAxis &down = axes[size - 2], &across = axes[size - 1];
    const std::size_t columns = (across.extent + width - 1) / width, rows = (down.extent + height - 1) / height;
    const std::size_t j = r % columns * width, i = r / columns % rows * height;
    const std::size_t wide = across.extent - j < width ? across.extent - j : width;
    const std::size_t high = down.extent - i < height ? down.extent - i : height;
    const StridedOffsets at = offsets_of(axes, size - 2, r / columns / rows);
    const T* source = from + at.in + i + j * across.in;
    T* target = to + at.out + i * down.out + j;
    row.each(high, [&](auto part) VITRAIL_LAMBDA {
      if (adds) {
        tile<L, true>(source, target, part, wide);
      } else {
        tile<L, false>(source, target, part, wide);
      }
    });
  }

 private:
  // The rows `part` of a tile: as many whole squares as there are, then single elements.
  template <class L, bool Adds, class J>
  VITRAIL_FUNCTION void tile(const T* source, T* target, J part, std::size_t wide) const {
    const std::size_t in = axes[size - 1].in, out = axes[size - 2].out;
    if constexpr (is_vector_lane<L> && std::is_same_v<J, Whole>) {
      constexpr std::size_t side = lanes<L>::width;
      std::size_t q = 0;
      for (; q + side <= wide; q += side) {
        L square[side];
        for (std::size_t k = 0; k < side; ++k) square[k] = get<L>(source + (q + k) * in, part);
        transpose(square);
        for (std::size_t k = 0; k < side; ++k) put<L>(target + (part.at + k) * out, Whole{q}, square[k], Adds);
      }
      for (; q < wide; ++q) {
        for (std::size_t k = part.at; k < part.at + side; ++k) write<Adds>(target[k * out + q], source[q * in + k]);
      }
    } else {
      for (std::size_t k = part.at; k < part.at + elements_of<L>(part); ++k) {
        for (std::size_t q = 0; q < wide; ++q) write<Adds>(target[k * out + q], source[q * in + k]);
      }
    }
  }
  template <bool Adds>
  VITRAIL_FUNCTION static void write(T& y, T x) {
    y = Adds ? T(y + x) : x;
  }
};

constexpr std::size_t turns_of(const StridedAxis* axes, std::size_t count) {
  std::size_t turns = 1;
  for (std::size_t i = 0; i < count; ++i) turns *= axes[i].extent;
  return turns;
}

// to[..] = from[..], or +=, along `axes`, which are in the order in which memory is written. A null `from` writes
// `fill`.
template <class B, class T>
void strided_copy(const B& backend, const StridedAxes& all, const T* from, T* to, bool adds = false,
                  computed<T> fill = 0) {
  StridedAxes axes = merged(all);
  if (axes.empty()) axes.push_back({1, 1, 1});
  const std::size_t last = axes.size() - 1, total = turns_of(axes.begin(), axes.size());
  if (total == 0) return;
  const StridedAxis across = axes[last];
  std::size_t down = last;  // an axis that is contiguous in what is read, if that is not the last one
  for (std::size_t i = 0; i < last; ++i) {
    if (axes[i].in == 1) down = i;
  }
  // 8: a shorter run of equal elements costs more than its part of a square.
  if (from && down != last && across.out == 1 && across.in != 1 && (across.in != 0 || across.extent < 8)) {
    // 32 x 32: a tile's lines of both sides stay in the L1 cache. A narrow one is longer, so that it is worth a row.
    constexpr std::size_t side = 32, elements = side * side;
    const StridedAxis inner = axes[down];
    axes.erase(down);
    axes.insert(last - 1, inner);
    StridedTiles<T> tiles{{}, axes.size(), 0, 0, from, to, adds};
    std::copy(axes.begin(), axes.end(), tiles.axes);
    tiles.height = std::min(inner.extent, std::max(side, elements / std::min(side, across.extent)));
    tiles.width = std::min(across.extent, std::max(side, elements / std::min(side, inner.extent)));
    const std::size_t rows = (inner.extent + tiles.height - 1) / tiles.height;
    const std::size_t columns = (across.extent + tiles.width - 1) / tiles.width;
    backend.rows(turns_of(tiles.axes, axes.size() - 2) * rows * columns, tiles.height * tiles.width, tiles);
    return;
  }
  // 2048 elements in a row: next to them, taking its number apart costs nothing, and there are rows for all threads.
  constexpr std::size_t elements = 2048;
  StridedCopy<T> copy{{{}, axes.size(), last, 1}, from, to, fill, adds};
  std::copy(axes.begin(), axes.end(), copy.loops.axes);
  std::size_t inside = 1;
  for (std::size_t& i = copy.loops.outer; i > 0 && inside * axes[i].extent <= elements; --i) inside *= axes[i].extent;
  // Inside a row the order is free: the longest axis is the loop round the runs, next to which counting costs nothing.
  StridedAxis* const loops = copy.loops.axes;
  if (copy.loops.outer + 2 < last) {
    std::swap(loops[last - 1], *std::max_element(loops + copy.loops.outer + 1, loops + last,
                                                 [](const auto& a, const auto& b) { return a.extent < b.extent; }));
  }
  const StridedAxis& cut = axes[copy.loops.outer];
  copy.loops.block = std::min(cut.extent, std::max<std::size_t>(1, elements / inside));
  const std::size_t blocks = (cut.extent + copy.loops.block - 1) / copy.loops.block;
  backend.rows(turns_of(axes.begin(), copy.loops.outer) * blocks, inside * copy.loops.block, copy);
}

}  // namespace vitrail::inline VITRAIL_TU::detail
