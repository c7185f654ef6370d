// convolution.hpp - convolutions on the CPU, fp32, run-time extents: forward, and the gradient of the input, which is a
// convolution of the output's gradient.
//
// A panel of columns of the product is up to 64 positions of one sample: what the taps see there is packed for it
// (windows.hpp), and the weight, whose rows are contiguous, multiplies it as it lies. So the im2col matrix never exists
// as a whole, and an element of a panel is packed once for all output channels. Each element of the result is summed
// over channels in blocks whose bounds are a function of the shapes only: its bits do not depend on the threads.
#pragma once

#include <algorithm>

#include "../convolution.hpp"
#include "../workers.hpp"
#include "product.hpp"
#include "windows.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

namespace detail {

// target[row, position] (= | +=) (bias[row] +) A[row, channel and tap] windows[channel and tap, position], for all
// groups and samples.
struct Correlation {
  Windows windows;
  std::size_t count = 0, groups = 1, channels = 0, rows = 0;  // channels and rows of A of one group
  const float* source = nullptr;
  const float* a = nullptr;  // [groups, rows, channels * taps]
  float* target = nullptr;
  std::size_t target_sample = 0, target_plane = 0;  // floats between samples and between rows of A
  std::size_t target_row = 0, target_step = 1;      // and between rows of positions and neighbours in them
  const float* bias = nullptr;                      // [groups, rows], if positions are contiguous
  bool add = false;

  constexpr bool contiguous() const { return target_step == 1 && target_row == windows.across; }
};

template <isa I>
struct CorrelationTask {
  const Correlation& g;
  ColumnPanels<I> columns{g.windows.positions()};
  std::size_t taps = g.windows.taps(), depth = g.channels * taps;
  // Channels that are summed in one go: equal parts of at most 768 terms.
  std::size_t step = std::max<std::size_t>(1, divide_up(g.channels, std::max<std::size_t>(1, divide_up(depth, 768))));
  std::size_t panel_floats = panel_width<I> * step * taps;
  std::size_t group = std::max<std::size_t>(1, group_floats / panel_floats);
  bool contiguous = g.contiguous();

  std::size_t scratch() const { return group * (panel_floats + (contiguous ? 0 : g.rows * panel_width<I>)); }

  // Rows of A of one group times the panels [first, end) of all samples.
  void run(std::size_t entry, RowRange rows, std::size_t first, std::size_t end, float* scratch) const {
    const std::size_t plane = g.windows.height * g.windows.width, m = rows.end - rows.begin;
    const float* source = g.source + entry * g.channels * plane;
    const float* a = g.a + (entry * g.rows + rows.begin) * depth;
    float* tiles = scratch + group * panel_floats;
    for (std::size_t g0 = first; g0 < end; g0 += group) {
      const std::size_t g1 = std::min(g0 + group, end);
      for (std::size_t c = 0; c < g.channels; c += step) {
        const std::size_t channels = std::min(step, g.channels - c);
        for (std::size_t p = g0; p < g1; ++p) {
          const std::size_t sample = p / columns.panels, panel = p % columns.panels;
          const std::size_t begin = sample * g.windows.positions() + columns.begin(panel);
          on<I>::template call<PackWindows>(&g.windows, source + c * plane, channels, begin,
                                            begin + columns.count(panel), scratch + (p - g0) * panel_floats,
                                            columns.width(panel));
          if (c == 0 && g.bias != nullptr) start_from_bias(entry, rows, sample, panel);
        }
        const std::size_t blocks = divide_up(m, std::max(4 * tile_rows, row_block_floats / (channels * taps)));
        for (std::size_t block = 0; block < blocks; ++block) {
          const RowRange part(m, blocks, block);
          for (std::size_t p = g0; p < g1; ++p) {
            const std::size_t panel = p % columns.panels, row = rows.begin + part.begin;
            PanelBlock work{.rows = part.end - part.begin,
                            .depth = channels * taps,
                            .a = a + part.begin * depth + c * taps,
                            .a_row = static_cast<std::ptrdiff_t>(depth),
                            .b = scratch + (p - g0) * panel_floats,
                            .b_row = static_cast<std::ptrdiff_t>(columns.width(panel)),
                            .last = columns.last(panel),
                            .add = c > 0 || (contiguous && (g.add || g.bias != nullptr))};
            if (contiguous) {
              work.c = at(entry, row, p / columns.panels) + columns.begin(panel);
              work.c_row = static_cast<std::ptrdiff_t>(g.target_plane);
            } else {
              work.c = tiles + ((p - g0) * g.rows + row) * panel_width<I>;
              work.c_row = panel_width<I>;
            }
            panel_product<I>(columns.vectors(panel), work);
          }
        }
      }
      for (std::size_t p = g0; p < g1 && !contiguous; ++p)
        scatter(entry, rows, p / columns.panels, p % columns.panels, tiles + (p - g0) * g.rows * panel_width<I>);
    }
  }

 private:
  float* at(std::size_t entry, std::size_t row, std::size_t sample) const {
    return g.target + sample * g.target_sample + (entry * g.rows + row) * g.target_plane;
  }
  void start_from_bias(std::size_t entry, RowRange rows, std::size_t sample, std::size_t panel) const {
    for (std::size_t row = rows.begin; row < rows.end; ++row)
      std::fill_n(at(entry, row, sample) + columns.begin(panel), columns.count(panel), g.bias[entry * g.rows + row]);
  }
  void scatter(std::size_t entry, RowRange rows, std::size_t sample, std::size_t panel, const float* tile) const {
    for (std::size_t row = rows.begin; row < rows.end; ++row) {
      const float* from = tile + row * panel_width<I>;
      std::size_t i = columns.begin(panel) / g.windows.across, j = columns.begin(panel) % g.windows.across;
      float* to = at(entry, row, sample) + i * g.target_row;
      for (std::size_t k = 0; k < columns.count(panel); ++k) {
        float& element = to[j * g.target_step];
        element = g.add ? element + from[k] : from[k];
        if (++j == g.windows.across) j = 0, to += g.target_row;
      }
    }
  }
};

template <isa I>
void correlate_at(const Workers& workers, const Correlation& g) {
  const CorrelationTask<I> task{g};
  const std::size_t panels = g.count * task.columns.panels;
  const bool small = static_cast<double>(g.groups * g.count * g.rows) * static_cast<double>(task.depth) *
                         static_cast<double>(g.windows.positions()) <
                     5e5;
  const std::size_t threads = workers.team_size(static_cast<std::size_t>(-1), small);
  const Grid grid = choose_grid(threads, g.groups, g.rows, panels, 24);
  const std::size_t parts = grid.rows * grid.panels, tasks = g.groups * parts, size = task.scratch();
  const Scratch scratch(size * workers.team_size(tasks, small));
  workers.chunks(tasks, small, [&](std::size_t i, std::size_t thread) {
    const std::size_t row = i % parts / grid.panels, column = i % parts % grid.panels;
    task.run(i / parts, RowRange(g.rows, grid.rows, row), panels * column / grid.panels,
             panels * (column + 1) / grid.panels, scratch.data() + thread * size);
  });
}
inline void correlate(const Workers& workers, const Correlation& g) {
  at_level(workers.level, [&]<isa I>() { correlate_at<I>(workers, g); });
}

// With a stride s the rows of an input's gradient fall into s phases: row y = q * s + phase - padding gets its terms
// from the taps phase, phase + s, ... and from row q - t of the output's gradient for tap phase + t * s. So each phase
// (and each pair of them, for rows and columns) is a convolution with a stride of 1.
struct Phase {
  std::size_t phase, taps, first, count;  // first: the first q; count: how many
  std::ptrdiff_t origin;                  // the row of the output's gradient that the first tap meets at first
  std::size_t target;                     // the row of the input of the first
  constexpr Phase(std::size_t phase_, std::size_t extent, std::size_t kernel, std::size_t stride, std::size_t padding)
      : phase(phase_),
        taps(phase < kernel ? divide_up(kernel - phase, stride) : 0),
        first(padding > phase ? divide_up(padding - phase, stride) : 0),
        count(first * stride + phase < extent + padding ? divide_up(extent + padding - first * stride - phase, stride)
                                                        : 0),
        origin(static_cast<std::ptrdiff_t>(first) - static_cast<std::ptrdiff_t>(taps) + 1),
        target(first * stride + phase - padding) {}
};
// The weights of a phase, a[group, channel, output channel, taps in reverse].
inline void turn_weights(const Workers& workers, const Convolution<float>& g, const Phase& y, const Phase& x,
                         float* a) {
  const std::size_t taps = y.taps * x.taps, row = g.group_out() * taps;
  workers.chunks(g.channels, g.channels * row < 16384, [&](std::size_t channel) {
    const std::size_t group = channel / g.group_in(), c = channel % g.group_in();
    float* to = a + channel * row;
    for (std::size_t o = 0; o < g.group_out(); ++o) {
      const float* from = g.weight + ((group * g.group_out() + o) * g.group_in() + c) * g.taps();
      for (std::size_t s = y.taps; s-- > 0;)
        for (std::size_t t = x.taps; t-- > 0;)
          *to++ = from[(y.phase + s * g.stride) * g.kernel_width + x.phase + t * g.stride];
    }
  });
}

}  // namespace detail

// y of g. Errors: none but std::bad_alloc for scratch.
inline void convolution_forward(const Workers& workers, const Convolution<float>& g) {
  const auto padding = static_cast<std::ptrdiff_t>(g.padding);
  detail::correlate(workers, {.windows = {g.height, g.width, g.out_height, g.out_width, g.kernel_height, g.kernel_width,
                                          g.stride, -padding, -padding, g.channels * g.height * g.width},
                              .count = g.count,
                              .groups = g.groups,
                              .channels = g.group_in(),
                              .rows = g.group_out(),
                              .source = g.x,
                              .a = g.weight,
                              .target = g.y,
                              .target_sample = g.out_channels * g.positions(),
                              .target_plane = g.positions(),
                              .target_row = g.out_width,
                              .bias = g.bias});
}

// dx of g; `work` has as many floats as the weight.
inline void convolution_input_gradient(const Workers& workers, const Convolution<float>& g) {
  const std::size_t plane = g.height * g.width;
  if (!g.add_x && (g.kernel_height < g.stride || g.kernel_width < g.stride))  // some elements meet no tap
    std::fill_n(g.dx, g.count * g.channels * plane, 0.0f);
  float* a = g.work;
  for (std::size_t i = 0; i < g.stride * g.stride; ++i) {
    const detail::Phase y(i / g.stride, g.height, g.kernel_height, g.stride, g.padding);
    const detail::Phase x(i % g.stride, g.width, g.kernel_width, g.stride, g.padding);
    if (y.taps * x.taps == 0 || y.count * x.count == 0) continue;
    detail::turn_weights(workers, g, y, x, a);
    detail::correlate(workers, {.windows = {g.out_height, g.out_width, y.count, x.count, y.taps, x.taps, 1, y.origin,
                                            x.origin, g.out_channels * g.positions()},
                                .count = g.count,
                                .groups = g.groups,
                                .channels = g.group_out(),
                                .rows = g.group_in(),
                                .source = g.dy,
                                .a = a,
                                .target = g.dx + y.target * g.width + x.target,
                                .target_sample = g.channels * plane,
                                .target_plane = plane,
                                .target_row = g.stride * g.width,
                                .target_step = g.stride,
                                .add = g.add_x});
    a += g.channels * g.group_out() * y.taps * x.taps;
  }
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
