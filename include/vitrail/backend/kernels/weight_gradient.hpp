// weight_gradient.hpp - dW = dY^T X and db = column sums of dY on the CPU, fp32, run-time extents.
//
// The sum runs over rows (tokens), often thousands of them, into a weight that may be small. Weights of up to 128 Ki
// elements get the rows cut into up to 8 chunks with a partial sum each, added in order at the end; larger ones would
// need too much memory for that and have tiles enough for all threads. The number of chunks is a function of rows and
// weight size only.
#pragma once

#include "product.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

namespace detail {

inline constexpr std::size_t largest_chunked_weight = std::size_t(128) << 10;
inline constexpr std::size_t most_chunks = 8;

// Below 512 rows a chunk would not pay for its partial sum.
constexpr std::size_t gradient_chunks(std::size_t rows, std::size_t out, std::size_t in) {
  return out * in > largest_chunked_weight ? 1 : std::clamp<std::size_t>(rows / 256, 1, most_chunks);
}
// Floats of one partial sum of dW and db, rounded to a cache line.
constexpr std::size_t partial_size(std::size_t out, std::size_t in) { return divide_up(out * in + out, 16) * 16; }

// sums[columns] (= | +=) scale * column sums of dy[rows, columns]; four registers of columns at a time hide the
// latency of an addition.
struct ColumnSums {
  template <isa I>
  VITRAIL_INLINE static void body(const float* dy, std::ptrdiff_t dy_row, std::size_t rows, std::size_t columns,
                                  float scale, bool add, float* sums) {
    using L = lane<I>;
    constexpr std::size_t block = 4 * L::width;
    std::size_t j = 0;
    for (; j + block <= columns; j += block) {
      L s[4] = {0.0f, 0.0f, 0.0f, 0.0f};
      const float* p = dy + j;
      for (std::size_t i = 0; i < rows; ++i, p += dy_row)
#pragma GCC unroll 4
        for (std::size_t v = 0; v < 4; ++v) s[v] += load<L>(p + v * L::width);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < 4; ++v) finish<I>(s[v], scale, add, sums + j + v * L::width, L::width);
    }
    for (; j < columns; j += L::width) {
      const std::size_t n = std::min(L::width, columns - j);
      L s(0.0f);
      for (std::size_t i = 0; i < rows; ++i) s += load<L>(dy + static_cast<std::ptrdiff_t>(i) * dy_row + j, n);
      finish<I>(s, scale, add, sums + j, n);
    }
  }

 private:
  template <isa I>
  VITRAIL_INLINE static void finish(lane<I> sum, float scale, bool add, float* to, std::size_t n) {
    if (scale != 1.0f) sum = rounded(sum * lane<I>(scale));
    if (add) sum += load<lane<I>>(to, n);
    store(to, sum, n);
  }
};

// to[n] (= | +=) the sum of `count` arrays that lie `stride` floats apart, in ascending order.
struct AddPartials {
  template <isa I>
  VITRAIL_INLINE static void body(const float* partials, std::size_t stride, std::size_t count, std::size_t n, bool add,
                                  float* to) {
    using L = lane<I>;
    for (std::size_t j = 0; j < n; j += L::width) {
      const std::size_t columns = std::min(L::width, n - j);
      L sum = load<L>(partials + j, columns);
      for (std::size_t i = 1; i < count; ++i) sum += load<L>(partials + i * stride + j, columns);
      if (add) sum += load<L>(to + j, columns);
      store(to + j, sum, columns);
    }
  }
};

// A range of out features times a range of panels of in features, summed over a range of rows.
template <isa I>
struct GradientTask {
  const WeightGradient<float>& gradient;
  ColumnPanels<I> columns{gradient.in};
  bool whole = gradient.in % lane_width<I> == 0;

  struct Range {
    std::size_t rows_begin, rows_end, out_begin, out_end, panel_begin, panel_end;
  };

  // Rows summed in one go: equal parts of at most 384, half the depth of a forward product, as a block of dY^T has to
  // be packed.
  static std::size_t step(std::size_t rows) { return divide_up(rows, divide_up(rows, 384)); }
  static std::size_t group_size(std::size_t depth) {
    return std::max<std::size_t>(1, group_floats / (depth * panel_width<I>));
  }
  static std::size_t out_block(std::size_t depth) { return std::max(4 * tile_rows, row_block_floats / depth); }
  // Floats for packed panels of X, and for packed rows of dY^T.
  std::size_t panel_scratch(std::size_t rows) const {
    return std::min(group_size(step(rows)), columns.panels) * panel_width<I> * step(rows);
  }
  std::size_t scratch(std::size_t rows) const {
    // A block of rows may exceed out_block by one tile and the ragged rest.
    return panel_scratch(rows) + divide_up((out_block(step(rows)) + 2 * tile_rows) * step(rows), 16) * 16;
  }

  void run(const Range& range, float* dw, bool add_w, float* db, bool add_b, float* scratch) const {
    const WeightGradient<float>& g = gradient;
    const auto at = [](std::size_t i, std::ptrdiff_t stride) { return static_cast<std::ptrdiff_t>(i) * stride; };
    const std::size_t out = range.out_end - range.out_begin, rows = range.rows_end - range.rows_begin;
    const std::size_t depth_step = step(rows), group = group_size(depth_step);
    float* packed_rows = scratch + panel_scratch(rows);
    for (std::size_t k = range.rows_begin; k < range.rows_end; k += depth_step) {
      const std::size_t depth = std::min(depth_step, range.rows_end - k);
      const bool first = k == range.rows_begin;
      const float* dy = g.dy + at(k, g.dy_row) + at(range.out_begin, 1);
      if (db != nullptr && range.panel_begin == 0)
        on<I>::template call<ColumnSums>(dy, g.dy_row, depth, out, g.scale, add_b || !first, db + range.out_begin);
      if (dw == nullptr) continue;
      for (std::size_t g0 = range.panel_begin; g0 < range.panel_end; g0 += group) {
        const std::size_t g1 = std::min(g0 + group, range.panel_end), base = columns.begin(g0);
        // Short rows of X are read where they are.
        const bool direct = whole && g.x_row <= 256;
        if (!direct)
          for (std::size_t p = g0; p < g1; ++p)
            on<I>::template call<PackPanel>(scratch + (columns.begin(p) - base) * depth, columns.width(p),
                                            g.x + at(k, g.x_row) + at(columns.begin(p), 1), g.x_row, std::ptrdiff_t(1),
                                            depth, columns.count(p));
        // Packing dY^T pays if it is read more than twice.
        const bool pack_rows = g1 - g0 > 2;
        const std::size_t blocks = divide_up(out, out_block(depth_step));
        for (std::size_t block = 0; block < blocks; ++block) {
          const RowRange part(out, blocks, block);
          const std::size_t m = part.end - part.begin;
          if (pack_rows)
            on<I>::template call<PackRows>(packed_rows, dy + part.begin, std::ptrdiff_t(1), g.dy_row, m, depth);
          for (std::size_t p = g0; p < g1; ++p) {
            const std::size_t j = columns.begin(p);
            panel_product<I>(columns.vectors(p),
                             {.rows = m,
                              .depth = depth,
                              .a = pack_rows ? packed_rows : dy + part.begin,
                              .a_row = 1,
                              .a_column = g.dy_row,
                              .a_packed = pack_rows,
                              .b = direct ? g.x + at(k, g.x_row) + at(j, 1) : scratch + (j - base) * depth,
                              .b_row = direct ? g.x_row : static_cast<std::ptrdiff_t>(columns.width(p)),
                              .c = dw + (range.out_begin + part.begin) * g.in + j,
                              .c_row = static_cast<std::ptrdiff_t>(g.in),
                              .last = columns.last(p),
                              .add = add_w || !first,
                              .scale = g.scale});
          }
        }
      }
    }
  }
};

template <isa I>
void weight_gradient_at(const Workers& workers, const WeightGradient<float>& g) {
  const GradientTask<I> task{g};
  const std::size_t chunks = gradient_chunks(g.rows, g.out, g.in), panels = task.columns.panels;
  const bool small = static_cast<double>(g.rows) * static_cast<double>(g.out) * static_cast<double>(g.in) < 5e5;
  const std::size_t threads = small ? 1 : workers.team_size(static_cast<std::size_t>(-1));
  const Grid grid = choose_grid(threads, chunks, g.out, panels, 12);
  const std::size_t parts = grid.rows * grid.panels, tasks = chunks * parts;
  const std::size_t stride = partial_size(g.out, g.in), size = task.scratch(divide_up(g.rows, chunks));
  const Scratch scratch(size * threads);
  workers.team(threads, [&](std::size_t thread, std::size_t team, const auto& barrier) {
    for (std::size_t i = tasks * thread / team; i < tasks * (thread + 1) / team; ++i) {
      const std::size_t chunk = i / parts, row = i % parts / grid.panels, column = i % parts % grid.panels;
      const RowRange out(g.out, grid.rows, row);
      const typename GradientTask<I>::Range range{
          g.rows * chunk / chunks,       g.rows * (chunk + 1) / chunks,      out.begin, out.end,
          panels * column / grid.panels, panels * (column + 1) / grid.panels};
      float* memory = scratch.data() + thread * size;
      if (chunks == 1) {
        task.run(range, g.dw, g.add_w, g.db, g.add_b, memory);
      } else {
        float* partial = g.work + chunk * stride;
        task.run(range, g.dw != nullptr ? partial : nullptr, false, g.db != nullptr ? partial + g.out * g.in : nullptr,
                 false, memory);
      }
    }
    if (chunks == 1) return;
    barrier();
    if (g.dw != nullptr) {
      const std::size_t lines = divide_up(g.out * g.in, 16), begin = lines * thread / team * 16,
                        end = std::min(g.out * g.in, lines * (thread + 1) / team * 16);
      on<I>::template call<AddPartials>(static_cast<const float*>(g.work + begin), stride, chunks, end - begin, g.add_w,
                                        g.dw + begin);
    }
    if (g.db != nullptr && thread == 0)
      on<I>::template call<AddPartials>(static_cast<const float*>(g.work + g.out * g.in), stride, chunks, g.out,
                                        g.add_b, g.db);
  });
}

}  // namespace detail

// Floats of WeightGradient::work that a weight [out, in] needs, for any number of rows.
constexpr std::size_t weight_gradient_workspace(std::size_t out, std::size_t in) {
  return out * in > detail::largest_chunked_weight ? 0 : detail::most_chunks * detail::partial_size(out, in);
}

// Computes g. Errors: none but std::bad_alloc for scratch. The bits depend on rows, out, in and the instruction set,
// not on the number of threads.
inline void weight_gradient(const Workers& workers, const WeightGradient<float>& g) {
  if (g.out == 0) return;
  if (g.rows == 0) {
    if (g.dw != nullptr && !g.add_w) std::fill_n(g.dw, g.out * g.in, 0.0f);
    if (g.db != nullptr && !g.add_b) std::fill_n(g.db, g.out, 0.0f);
    return;
  }
  at_level(workers.level, [&]<isa I>() { detail::weight_gradient_at<I>(workers, g); });
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
