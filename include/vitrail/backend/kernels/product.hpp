// product.hpp - C = scale * A B + bias + residual on the CPU, fp32, run-time extents.
//
// The result is cut into tasks, a range of rows times a range of panels of one batch entry. A task packs the panels
// that it needs into its own scratch: no thread waits for another, and packing twice costs less than a barrier when the
// rows are many. Each element is summed over k in blocks whose bounds are a function of k only, each block in ascending
// order from zero, and the blocks are added in order: its bits depend neither on m, n and count nor on the number of
// threads.
#pragma once

#include "../product.hpp"
#include "../workers.hpp"
#include "pack.hpp"

namespace vitrail::inline VITRAIL_TU::kernels {

namespace detail {

// The depth of one block: equal parts of at most 768. The micro-kernel is as fast with a panel from the second-level
// cache (768 x 64 floats are 192 KiB) as from the first; shorter blocks read and write C more often.
constexpr std::size_t depth_block(std::size_t k) {
  const std::size_t blocks = std::max<std::size_t>(1, divide_up(k, 768));
  return divide_up(k, blocks);
}
// Floats of packed B that a task keeps: half of a second-level cache of 1 MiB.
inline constexpr std::size_t group_floats = std::size_t(128) << 10;
// Floats of A that meet all panels of a group before the next rows do.
inline constexpr std::size_t row_block_floats = std::size_t(64) << 10;

// [begin, end) of part i of `parts`, in whole tiles; the last part takes the ragged rows.
struct RowRange {
  std::size_t begin, end;
  constexpr RowRange(std::size_t rows, std::size_t parts, std::size_t i)
      : begin(rows / tile_rows * i / parts * tile_rows),
        end(i + 1 == parts ? rows : rows / tile_rows * (i + 1) / parts * tile_rows) {}
};

// How the rows and panels of each batch entry are dealt out.
struct Grid {
  std::size_t rows = 1, panels = 1;
};

// The cheapest grid for `threads` threads. Packing a panel costs about as much as multiplying it with 24 rows.
inline Grid choose_grid(std::size_t threads, std::size_t count, std::size_t m, std::size_t panels,
                        std::size_t packing_rows) {
  Grid best;
  const std::size_t units = std::max<std::size_t>(1, m / tile_rows);
  std::size_t best_cost = static_cast<std::size_t>(-1);
  const auto consider = [&](std::size_t row_parts, std::size_t panel_parts) {
    row_parts = std::clamp<std::size_t>(row_parts, 1, divide_up(units, 4));
    const std::size_t cost = divide_up(count * row_parts * panel_parts, threads) *
                             (divide_up(units, row_parts) * tile_rows + packing_rows) * divide_up(panels, panel_parts);
    if (cost < best_cost) best_cost = cost, best = {row_parts, panel_parts};
  };
  for (std::size_t parts = 1; parts <= std::min(threads, panels); ++parts) {
    consider(divide_up(threads, count * parts), parts);
    consider(threads / (count * parts), parts);
  }
  return best;
}

template <isa I>
struct ProductTask {
  const Product<float>& product;
  ColumnPanels<I> columns{product.n};
  bool whole = product.n % lane_width<I> == 0;

  // B is read where it is: its rows are contiguous and either look like a packed panel, or are used by few tiles.
  bool direct(std::size_t panel, std::size_t rows) const {
    return product.b_column == 1 && whole &&
           (rows <= 6 * tile_rows || product.b_row == static_cast<std::ptrdiff_t>(columns.width(panel)));
  }

  std::size_t group_size() const {
    return std::max<std::size_t>(1, group_floats / std::max<std::size_t>(1, depth_block(product.k) * panel_width<I>));
  }
  std::size_t scratch(std::size_t panels) const {
    return product.packed != nullptr ? 0 : std::min(group_size(), panels) * panel_width<I> * depth_block(product.k);
  }

  void run(std::size_t entry, RowRange rows, std::size_t first_panel, std::size_t end_panel, float* scratch) const {
    const Product<float>& g = product;
    const auto at = [](std::size_t i, std::ptrdiff_t stride) { return static_cast<std::ptrdiff_t>(i) * stride; };
    const std::size_t step = depth_block(g.k), m = rows.end - rows.begin, group = group_size();
    const float* b = g.b + at(entry, g.b_batch);
    std::size_t k0 = 0;
    do {
      const std::size_t depth = std::min(step, g.k - k0);
      const bool last_block = k0 + depth >= g.k;
      for (std::size_t g0 = first_panel; g0 < end_panel; g0 += group) {
        const std::size_t g1 = std::min(g0 + group, end_panel), base = columns.begin(g0);
        if (g.packed == nullptr)
          for (std::size_t p = g0; p < g1; ++p)
            if (!direct(p, m))
              on<I>::template call<PackPanel>(scratch + (columns.begin(p) - base) * depth, columns.width(p),
                                              b + at(k0, g.b_row) + at(columns.begin(p), g.b_column), g.b_row,
                                              g.b_column, depth, columns.count(p));
        const std::size_t blocks =
            divide_up(m, std::max(4 * tile_rows, row_block_floats / std::max<std::size_t>(1, depth)));
        for (std::size_t block = 0; block < blocks; ++block) {
          const RowRange part(m, blocks, block);
          const std::size_t i = rows.begin + part.begin;
          for (std::size_t p = g0; p < g1; ++p) {
            const std::size_t j = columns.begin(p);
            PanelBlock work{.rows = part.end - part.begin,
                            .depth = depth,
                            .a = g.a + at(entry, g.a_batch) + at(i, g.a_row) + at(k0, g.a_column),
                            .a_row = g.a_row,
                            .a_column = g.a_column,
                            .a_is_far = p == g0 && g.a_column == 1,
                            .b_row = static_cast<std::ptrdiff_t>(columns.width(p)),
                            .c = g.c + at(entry, g.c_batch) + at(i, g.c_row) + at(j, 1),
                            .c_row = g.c_row,
                            .last = columns.last(p),
                            .add = g.accumulate || k0 > 0,
                            .scale = g.scale};
            if (g.packed != nullptr) {
              work.b = g.packed + j * g.k + k0 * columns.width(p);
            } else if (direct(p, m)) {
              work.b = b + at(k0, g.b_row) + at(j, 1);
              work.b_row = g.b_row;
            } else {
              work.b = scratch + (j - base) * depth;
            }
            if (last_block) {
              if (g.bias != nullptr) work.bias = g.bias + j;
              if (g.residual != nullptr) {
                work.residual = g.residual + at(entry, g.residual_batch) + at(i, g.residual_row) + at(j, 1);
                work.residual_row = g.residual_row;
              }
            }
            panel_product<I>(columns.vectors(p), work);
          }
        }
      }
      k0 += depth;
    } while (k0 < g.k);
  }
};

template <isa I>
void product_at(const Workers& workers, const Product<float>& g) {
  const ProductTask<I> task{g};
  const bool small =
      static_cast<double>(g.count) * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k) <
      5e5;  // about 4 us of one thread
  const std::size_t panels = task.columns.panels, threads = workers.team_size(static_cast<std::size_t>(-1), small);
  const Grid grid = choose_grid(threads, g.count, g.m, panels, g.packed != nullptr ? 0 : 24);
  const std::size_t tasks = g.count * grid.rows * grid.panels, size = task.scratch(divide_up(panels, grid.panels));
  const Scratch scratch(size * workers.team_size(tasks, small));
  workers.chunks(tasks, small, [&](std::size_t i, std::size_t thread) {
    const std::size_t part = i % (grid.rows * grid.panels), row = part / grid.panels, column = part % grid.panels;
    task.run(i / (grid.rows * grid.panels), RowRange(g.m, grid.rows, row), panels * column / grid.panels,
             panels * (column + 1) / grid.panels, scratch.data() + thread * size);
  });
}

}  // namespace detail

// Computes g. Errors: none but std::bad_alloc for scratch. The bits of an element depend on its row of A, its column
// of B, k and the instruction set, and on nothing else.
inline void product(const Workers& workers, Product<float> g) {
  if (g.m == 0 || g.n == 0 || g.count == 0) return;
  // An addition in place: a second block of k would find the sum of the first where the residual was.
  if (g.residual == g.c && g.residual_row == g.c_row && (g.count == 1 || g.residual_batch == g.c_batch) &&
      !g.accumulate) {
    g.accumulate = true;
    g.residual = nullptr;
  }
  // Contiguous samples times one weight are one product: its panels are then packed once.
  const auto m = static_cast<std::ptrdiff_t>(g.m);
  if (g.b_batch == 0 && g.a_batch == m * g.a_row && g.c_batch == m * g.c_row &&
      (g.residual == nullptr || g.residual_batch == m * g.residual_row)) {
    g.m *= g.count;
    g.count = 1;
  }
  at_level(workers.level, [&]<isa I>() { detail::product_at<I>(workers, g); });
}

// Floats of B[k, n] in the packed layout of a level, for Product::packed.
inline std::size_t packed_size(isa level, std::size_t n, std::size_t k) {
  return at_level(level, [&]<isa I>() { return ColumnPanels<I>(n).padded() * k; });
}

// Packs B(p, j) = b[p * b_row + j * b_column], k x n, for products at the level of `workers`.
inline void pack(const Workers& workers, std::size_t n, std::size_t k, const float* b, std::ptrdiff_t b_row,
                 std::ptrdiff_t b_column, float* packed) {
  at_level(workers.level, [&]<isa I>() {
    const ColumnPanels<I> columns(n);
    workers.chunks(columns.panels, n * k < 65536, [&](std::size_t p) {
      on<I>::template call<PackPanel>(packed + columns.begin(p) * k, columns.width(p),
                                      b + static_cast<std::ptrdiff_t>(columns.begin(p)) * b_column, b_row, b_column, k,
                                      columns.count(p));
    });
  });
}

}  // namespace vitrail::inline VITRAIL_TU::kernels
