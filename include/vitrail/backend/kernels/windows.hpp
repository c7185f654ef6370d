// windows.hpp - what the taps of a kernel see at each position of its result, copied into rows: im2col of a few
// positions at a time, so that it stays in the cache.
#pragma once

#include <cstddef>

#include "micro.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

// Position (i, j) and tap (s, t) meet at row i * stride + s + top and column j * stride + t + left of a channel; where
// that is outside, there are zeros. Positions are numbered through all samples.
struct Windows {
  std::size_t height = 0, width = 0;  // of a channel of the source
  std::size_t down = 0, across = 0;   // positions of a sample
  std::size_t tap_rows = 0, tap_columns = 0, stride = 1;
  std::ptrdiff_t top = 0, left = 0;
  std::size_t sample = 0;  // floats between the samples of the source

  VITRAIL_INLINE constexpr std::size_t taps() const { return tap_rows * tap_columns; }
  VITRAIL_INLINE constexpr std::size_t positions() const { return down * across; }
};

// Positions that are packed at a time: half the depth of a forward product, as in weight gradients, and six panels.
inline constexpr std::size_t most_positions = 384;

// target[channel * taps + tap][position - first] for positions [first, end), at most `most_positions`, of `channels`
// channels. Rows of the target are `row` floats apart; what end - first leaves of them is zeroed.
struct PackWindows {
  template <isa I>
  VITRAIL_INLINE static void body(const Windows* windows, const float* source, std::size_t channels, std::size_t first,
                                  std::size_t end, float* target, std::size_t row) {
    const Windows& w = *windows;
    Run runs[most_positions];
    const std::size_t run_count = runs_of(w, first, end, runs);
    Segment segments[most_positions];
    for (std::size_t tap = 0; tap < w.taps(); ++tap) {
      // The same for all channels: it is found out once.
      std::size_t count = 0, covered = 0;
      for (std::size_t r = 0; r < run_count; ++r) {
        const Segment s = segment_of(w, runs[r], tap / w.tap_columns, tap % w.tap_columns);
        if (s.length == 0) continue;
        covered += s.length;
        Segment& before = segments[count == 0 ? 0 : count - 1];
        if (count != 0 && w.stride == 1 && before.at + before.length == s.at && before.from + before.length == s.from)
          before.length += s.length;  // rows that follow each other are one copy
        else
          segments[count++] = s;
      }
      for (std::size_t c = 0; c < channels; ++c) {
        float* to = target + (c * w.taps() + tap) * row;
        const float* from = source + c * w.height * w.width;
        if (covered < row) zero<I>(to, row);
        for (std::size_t s = 0; s < count; ++s)
          copy<I>(to + segments[s].at, from + segments[s].from, segments[s].length, w.stride);
      }
    }
  }

 private:
  // Neighbouring positions of one row of a sample.
  struct Run {
    std::size_t at, length, sample, i, j;
  };
  // What a tap sees of a run: elements `stride` apart.
  struct Segment {
    std::size_t at, length, from;
  };

  VITRAIL_INLINE static std::size_t runs_of(const Windows& w, std::size_t first, std::size_t end, Run* runs) {
    std::size_t count = 0;
    for (std::size_t q = first; q < end; ++count) {
      const std::size_t position = q % w.positions(), j = position % w.across;
      const std::size_t length = std::min(w.across - j, end - q);
      runs[count] = {q - first, length, q / w.positions() * w.sample, position / w.across, j};
      q += length;
    }
    return count;
  }
  VITRAIL_INLINE static Segment segment_of(const Windows& w, const Run& run, std::size_t s, std::size_t t) {
    const auto stride = static_cast<std::ptrdiff_t>(w.stride), width = static_cast<std::ptrdiff_t>(w.width);
    const std::ptrdiff_t y = static_cast<std::ptrdiff_t>(run.i * w.stride + s) + w.top;
    const std::ptrdiff_t x = static_cast<std::ptrdiff_t>(run.j * w.stride + t) + w.left;
    if (y < 0 || y >= static_cast<std::ptrdiff_t>(w.height) || x >= width) return {0, 0, 0};
    const std::ptrdiff_t low = x < 0 ? (stride - 1 - x) / stride : 0;
    const std::ptrdiff_t high = std::min(static_cast<std::ptrdiff_t>(run.length), (width - x + stride - 1) / stride);
    if (low >= high) return {0, 0, 0};
    return {run.at + static_cast<std::size_t>(low), static_cast<std::size_t>(high - low),
            run.sample + static_cast<std::size_t>(y * width + x + low * stride)};
  }
  template <isa I>
  VITRAIL_INLINE static void zero(float* to, std::size_t n) {
    using L = lane<I>;
    const L zeros(0.0f);
    std::size_t k = 0;
    for (; k + L::width <= n; k += L::width) store(to + k, zeros);
    if (k < n) store(to + k, zeros, n - k);
  }
  template <isa I>
  VITRAIL_INLINE static void copy(float* to, const float* from, std::size_t n, std::size_t stride) {
    using L = lane<I>;
    if (stride == 1) {
      std::size_t k = 0;
      for (; k + L::width <= n; k += L::width) store(to + k, load<L>(from + k));
      if (k < n) store(to + k, load<L>(from + k, n - k), n - k);
    } else if (stride == 2) {
      for (std::size_t k = 0; k < n; ++k) to[k] = from[2 * k];  // a constant stride: shuffles instead of single loads
    } else {
      for (std::size_t k = 0; k < n; ++k) to[k] = from[k * stride];
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::kernels
