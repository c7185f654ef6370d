// convolution_gradient.hpp - the gradient of a convolution's weight on the CPU, fp32, run-time extents.
//
// It is the product of the windows [channel and tap, position] and the output's gradient [position, output channel],
// summed over the positions of all samples: the turned weight, so that windows are rows and need no turning, which they
// would taps times as often as the output's gradient. As in weight_gradient.hpp small weights are summed in up to 8
// chunks, added in order at the end, where they are turned as well.
#pragma once

#include "convolution.hpp"
#include "weight_gradient.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

namespace detail {

// Floats of a partial sum of the weight of all groups.
constexpr std::size_t turned_size(std::size_t out, std::size_t depth) { return divide_up(out * depth, 16) * 16; }

// dw[o][k] (= | +=) the sum of `count` arrays [k][o] that lie `stride` floats apart, in ascending order, for k in
// [begin, end).
struct AddTurned {
  template <isa I>
  VITRAIL_INLINE static void body(const float* partials, std::size_t stride, std::size_t count, std::size_t out,
                                  std::size_t depth, std::size_t begin, std::size_t end, bool add, float* dw) {
    using L = lane<I>;
    constexpr std::size_t W = L::width;
    for (std::size_t k = begin; k < end; k += W) {
      const std::size_t rows = std::min(W, end - k);
      for (std::size_t o = 0; o < out; o += W) {
        const std::size_t columns = std::min(W, out - o);
        L square[W];
#pragma GCC unroll 16
        for (std::size_t i = 0; i < W; ++i) {
          square[i] = L(0.0f);
          if (i < rows) {
            const float* from = partials + (k + i) * out + o;
            square[i] = load<L>(from, columns);
            for (std::size_t c = 1; c < count; ++c) square[i] += load<L>(from + c * stride, columns);
          }
        }
        transpose(square);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < W; ++i) {
          if (i >= columns) continue;
          float* to = dw + (o + i) * depth + k;
          store(to, add ? L(square[i] + load<L>(to, rows)) : square[i], rows);
        }
      }
    }
  }
};

template <isa I>
struct WindowGradientTask {
  const Convolution<float>& g;
  Windows windows;
  ColumnPanels<I> columns{g.group_out()};
  std::size_t taps = g.taps(), depth = g.depth(), all = g.count * g.positions();

  static std::size_t step(std::size_t positions) { return GradientTask<I>::step(positions); }
  // Channels whose windows are packed at a time, and panels of the output's gradient.
  std::size_t channel_block(std::size_t positions) const {
    return std::clamp<std::size_t>(row_block_floats / (taps * positions), 1, g.group_in());
  }
  std::size_t panel_group(std::size_t positions) const {
    return std::min(GradientTask<I>::group_size(positions), columns.panels);
  }
  std::size_t panel_scratch(std::size_t positions) const { return panel_group(positions) * panel_width<I> * positions; }
  std::size_t scratch(std::size_t chunk) const {
    const std::size_t positions = step(chunk);
    return panel_scratch(positions) + divide_up(channel_block(positions) * taps * positions, 16) * 16;
  }

  // Positions [begin, end) of all samples, channels [first, last) of a group: to[channel and tap][output channel].
  void run(std::size_t group, std::size_t begin, std::size_t end, std::size_t first, std::size_t last, float* to,
           float* scratch) const {
    const std::size_t most = step(end - begin), out = g.group_out(), plane = g.height * g.width;
    const std::size_t block = channel_block(most), group_panels = panel_group(most);
    const float* x = g.x + group * g.group_in() * plane;
    float* rows = scratch + panel_scratch(most);
    for (std::size_t q = begin; q < end; q += most) {
      const std::size_t positions = std::min(most, end - q);
      for (std::size_t g0 = 0; g0 < columns.panels; g0 += group_panels) {
        const std::size_t g1 = std::min(g0 + group_panels, columns.panels), base = columns.begin(g0);
        for (std::size_t p = g0; p < g1; ++p) pack_gradient(group, q, positions, p, scratch, base);
        for (std::size_t c = first; c < last; c += block) {
          const std::size_t channels = std::min(block, last - c);
          on<I>::template call<PackWindows>(&windows, x + c * plane, channels, q, q + positions, rows, positions);
          for (std::size_t p = g0; p < g1; ++p) {
            const std::size_t j = columns.begin(p);
            panel_product<I>(columns.vectors(p), {.rows = channels * taps,
                                                  .depth = positions,
                                                  .a = rows,
                                                  .a_row = static_cast<std::ptrdiff_t>(positions),
                                                  .b = scratch + (j - base) * positions,
                                                  .b_row = static_cast<std::ptrdiff_t>(columns.width(p)),
                                                  .c = to + c * taps * out + j,
                                                  .c_row = static_cast<std::ptrdiff_t>(out),
                                                  .last = columns.last(p),
                                                  .add = q != begin});
          }
        }
      }
    }
  }

 private:
  // Panel p of the output's gradient, turned; positions may be of several samples.
  void pack_gradient(std::size_t group, std::size_t q, std::size_t positions, std::size_t p, float* scratch,
                     std::size_t base) const {
    const std::size_t plane = g.positions(), j = columns.begin(p), width = columns.width(p);
    float* to = scratch + (j - base) * positions;
    for (const std::size_t end = q + positions; q < end;) {
      const std::size_t sample = q / plane, position = q % plane, count = std::min(plane - position, end - q);
      const float* from = g.dy + (sample * g.out_channels + group * g.group_out() + j) * plane + position;
      on<I>::template call<PackPanel>(to, width, from, std::ptrdiff_t(1), static_cast<std::ptrdiff_t>(plane), count,
                                      columns.count(p));
      to += count * width;
      q += count;
    }
  }
};

template <isa I>
void convolution_weight_gradient_at(const Workers& workers, const Convolution<float>& g) {
  const auto padding = static_cast<std::ptrdiff_t>(g.padding);
  const WindowGradientTask<I> task{g,
                                   {g.height, g.width, g.out_height, g.out_width, g.kernel_height, g.kernel_width,
                                    g.stride, -padding, -padding, g.channels * g.height * g.width}};
  const std::size_t out = g.group_out(), chunks = gradient_chunks(task.all, g.out_channels, task.depth);
  const bool small =
      static_cast<double>(task.all) * static_cast<double>(g.out_channels) * static_cast<double>(task.depth) < 5e5;
  const std::size_t threads = small ? 1 : workers.team_size(static_cast<std::size_t>(-1));
  // Where chunks and groups are too few, channels are dealt out as well: that changes no sum.
  const std::size_t parts = std::min(divide_up(threads, chunks * g.groups), g.group_in());
  const std::size_t tasks = chunks * g.groups * parts, stride = turned_size(g.out_channels, task.depth);
  const std::size_t size = task.scratch(divide_up(task.all, chunks));
  const Scratch scratch(size * threads);
  workers.team(threads, [&](std::size_t thread, std::size_t team, const auto& barrier) {
    for (std::size_t i = tasks * thread / team; i < tasks * (thread + 1) / team; ++i) {
      const std::size_t chunk = i / (g.groups * parts), group = i / parts % g.groups, part = i % parts;
      task.run(group, task.all * chunk / chunks, task.all * (chunk + 1) / chunks, g.group_in() * part / parts,
               g.group_in() * (part + 1) / parts, g.work + chunk * stride + group * out * task.depth,
               scratch.data() + thread * size);
    }
    barrier();
    for (std::size_t group = 0; group < g.groups; ++group) {
      const std::size_t lines = divide_up(task.depth, 16), at = group * out * task.depth;
      on<I>::template call<AddTurned>(static_cast<const float*>(g.work + at), stride, chunks, out, task.depth,
                                      lines * thread / team * 16,
                                      std::min(task.depth, lines * (thread + 1) / team * 16), g.add_w, g.dw + at);
    }
  });
}

}  // namespace detail

// Floats of Convolution::work for the gradients of a weight [out, depth], for any number of positions.
constexpr std::size_t convolution_workspace(std::size_t out, std::size_t depth) {
  return (out * depth > detail::largest_chunked_weight ? 1 : detail::most_chunks) * detail::turned_size(out, depth);
}

// dw of g. Errors: none but std::bad_alloc for scratch. The bits depend on the shapes and the instruction set, not on
// the number of threads.
inline void convolution_weight_gradient(const Workers& workers, const Convolution<float>& g) {
  at_level(workers.level, [&]<isa I>() { detail::convolution_weight_gradient_at<I>(workers, g); });
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
