// thrust.hpp - the required set of a backend and no more, written with Thrust's algorithms for its systems on the host.
//
// It works with Thrust 1.17 as distributions have it and with the toolkit's, under g++, clang and nvcc's host pass.
// What is faster on a CPU is backend/openmp.hpp; this one shows that a model runs wherever Thrust does.
#pragma once

// Thrust's default system is CUDA, which asks for the toolkit's headers. Only explicit policies are used below.
#if !defined(THRUST_DEVICE_SYSTEM) && !defined(__CUDACC__)
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_CPP
#endif
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/system/cpp/execution_policy.h>
#ifdef _OPENMP
#include <thrust/system/omp/execution_policy.h>
#endif

#include <algorithm>
#include <cstddef>

#include "backend.hpp"
#include "rows.hpp"

namespace vitrail::inline VITRAIL_TU {

// The calling thread alone.
struct thrust_cpp {
  static constexpr const char* name = "thrust_cpp";
  static constexpr bool available = true, parallel = false;
  static auto policy() { return ::thrust::cpp::par; }
};
// OpenMP's threads. Without -fopenmp a backend on it does not compile.
struct thrust_omp {
  static constexpr const char* name = "thrust_omp";
  static constexpr bool parallel = true;
#ifdef _OPENMP
  static constexpr bool available = true;
  static auto policy() { return ::thrust::omp::par; }
#else
  static constexpr bool available = false;
  static auto policy() { return ::thrust::cpp::par; }
#endif
};

namespace detail {

// One tile of C = A B for any strides. The sum of an element runs over k in ascending order, whatever the tile, so that
// its bits follow from the product alone. 32 x 64: tile and panel of B stay in the L1 cache in float, and small
// products (one head of an attention, the gradient of a narrow weight) still give work to several threads.
template <class T>
struct ProductTile {
  static constexpr std::size_t rows = 32, columns = 64, depth = 32, unroll = 4;
  T sums[rows][columns] = {};
  T panel[depth][columns];

  void compute(const Product<T>& p, std::size_t entry, std::size_t row, std::size_t column) {
    const auto batch = static_cast<std::ptrdiff_t>(entry);
    const std::size_t height = std::min(rows, p.m - row), width = std::min(columns, p.n - column);
    const T* a = p.a + batch * p.a_batch + static_cast<std::ptrdiff_t>(row) * p.a_row;
    const T* b = p.b + batch * p.b_batch + static_cast<std::ptrdiff_t>(column) * p.b_column;
    for (std::size_t first = 0; first < p.k; first += depth) {
      const std::size_t count = std::min(depth, p.k - first);
      const auto at = static_cast<std::ptrdiff_t>(first);
      load_panel(p, b + at * p.b_row, count, width);
      for (std::size_t i = 0; i < height; ++i) {
        add_row(p, a + static_cast<std::ptrdiff_t>(i) * p.a_row + at * p.a_column, count, sums[i]);
      }
    }
    const T* residual = p.residual ? p.residual + batch * p.residual_batch : nullptr;
    T* c = p.c + batch * p.c_batch;
    for (std::size_t i = 0; i < height; ++i) {
      const auto r = static_cast<std::ptrdiff_t>(row + i);
      T* to = c + r * p.c_row + column;
      for (std::size_t j = 0; j < width; ++j) {
        T x = p.scale * sums[i][j];
        if (p.bias) x += p.bias[column + j];
        if (residual) x += (residual + r * p.residual_row + column)[j];
        to[j] = p.accumulate ? to[j] + x : x;
      }
    }
  }

 private:
  // B's part of the tile, zeros around it, read along its contiguous axis.
  void load_panel(const Product<T>& p, const T* b, std::size_t count, std::size_t width) {
    if (count < depth || width < columns) std::fill_n(&panel[0][0], depth * columns, T(0));
    if (p.b_column == 1) {
      for (std::size_t q = 0; q < count; ++q)
        std::copy_n(b + static_cast<std::ptrdiff_t>(q) * p.b_row, width, panel[q]);
    } else {
      for (std::size_t j = 0; j < width; ++j) {
        const T* from = b + static_cast<std::ptrdiff_t>(j) * p.b_column;
        for (std::size_t q = 0; q < count; ++q) panel[q][j] = from[static_cast<std::ptrdiff_t>(q) * p.b_row];
      }
    }
  }
  // Four terms at a time: a sum is loaded and stored once for them.
  void add_row(const Product<T>& p, const T* a, std::size_t count, T (&to)[columns]) const {
    for (std::size_t q = 0; q < count; q += unroll) {
      T factor[unroll] = {};
      for (std::size_t u = 0; u < unroll && q + u < count; ++u) {
        factor[u] = a[static_cast<std::ptrdiff_t>(q + u) * p.a_column];
      }
      for (std::size_t j = 0; j < columns; ++j) {
        T x = to[j];
        for (std::size_t u = 0; u < unroll; ++u) x += factor[u] * panel[q + u][j];
        to[j] = x;
      }
    }
  }
};

template <class System>
struct error_this_system_of_Thrust_needs_fopenmp;

}  // namespace detail

// backend{.threads = n}: thrust_omp has no number of threads for one call, and setting OpenMP's would change the user's
// program. So n is an upper bound: work is given out in n portions, of which OpenMP's own threads (OMP_NUM_THREADS,
// else the cores) take one each. 0: as many as OpenMP has. The results have the same bits for any number of either.
template <class System>
class Thrust {
 public:
  using memory = HostMemory;
  static constexpr const char* name = System::name;

  explicit Thrust(backend options = {})
      : threads_(options.threads > 0 ? static_cast<std::size_t>(options.threads) : 0) {
    if constexpr (!System::available) {
      (void)sizeof(detail::error_this_system_of_Thrust_needs_fopenmp<System>);
      static_assert(System::available, "Thrust<thrust_omp> needs -fopenmp; Thrust<thrust_cpp> does without");
    }
  }

  template <class Program>
  void elementwise(std::size_t size, const Program& program) const {
    pieces(size, elements_per_piece, size < serial_elements, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) program.template at<typename Program::value>(Whole{i});
    });
  }
  template <class Program>
  void rows(std::size_t count, std::size_t width, const Program& program) const {
    const std::size_t per_piece = std::max<std::size_t>(1, elements_per_piece / std::max<std::size_t>(width, 1));
    pieces(count, per_piece, count * width < serial_elements, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) program.row(Row<typename Program::value>{}, r);
    });
  }
  // Blocks of columns, and where these are few, row_chunks chunks of rows, whose sums are added in their order.
  template <std::size_t K, class T, class Program>
  void columns(std::size_t rows, std::size_t width, const Program& program, const Columns<T, K>& to) const {
    const std::size_t blocks = (width + columns_per_block - 1) / columns_per_block;
    const std::size_t chunks = blocks >= max_row_chunks ? 1 : row_chunks(rows);
    tasks(blocks * chunks, rows * width < serial_elements, [&](std::size_t task) {
      const std::size_t chunk = task / blocks, begin = task % blocks * columns_per_block;
      const std::size_t count = std::min(columns_per_block, width - begin);
      T sums[columns_per_block][K] = {};
      for (std::size_t r = rows * chunk / chunks; r < rows * (chunk + 1) / chunks; ++r) {
        for (std::size_t j = 0; j < count; ++j) program.template add<T>(r, Whole{begin + j}, sums[j]);
      }
      for (std::size_t k = 0; k < K; ++k) {
        if (!to.at[k]) continue;
        T* at = chunks > 1 ? to.work + (chunk * K + k) * width : to.at[k];
        const bool add = chunks == 1 && to.add[k];
        for (std::size_t j = 0; j < count; ++j) at[begin + j] = add ? at[begin + j] + sums[j][k] : sums[j][k];
      }
    });
    for (std::size_t k = 0; k < K && chunks > 1; ++k) {
      for (std::size_t j = 0; j < width && to.at[k]; ++j) {
        T sum = 0;
        for (std::size_t chunk = 0; chunk < chunks; ++chunk) sum += to.work[(chunk * K + k) * width + j];
        to.at[k][j] = to.add[k] ? to.at[k][j] + sum : sum;
      }
    }
  }
  template <class T>
  void product(const Product<T>& p) const {
    using Tile = detail::ProductTile<T>;
    const std::size_t down = (p.m + Tile::rows - 1) / Tile::rows, across = (p.n + Tile::columns - 1) / Tile::columns;
    tasks(p.count * down * across, p.count * p.m * p.n * p.k < serial_elements, [&](std::size_t task) {
      const std::size_t within = task % (down * across);
      Tile tile;
      tile.compute(p, task / (down * across), within / across * Tile::rows, within % across * Tile::columns);
    });
  }

 private:
  // As for backend/openmp.hpp: 8192 floats stay in the L1 cache with their results; below 16384 a parallel region costs
  // more than it saves.
  static constexpr std::size_t elements_per_piece = 8192, serial_elements = 16384, columns_per_block = 64;

  // Calls task(i) for every i < count.
  template <class Task>
  void tasks(std::size_t count, bool small, const Task& task) const {
    if (small || threads_ == 1 || !System::parallel) return run(::thrust::cpp::par, count, task);
    if (threads_ == 0 || threads_ >= count) return run(System::policy(), count, task);
    run(System::policy(), threads_, [&, portions = threads_](std::size_t portion) {
      for (std::size_t i = count * portion / portions; i < count * (portion + 1) / portions; ++i) task(i);
    });
  }
  template <class Policy, class Task>
  static void run(const Policy& policy, std::size_t count, const Task& task) {
    const ::thrust::counting_iterator<std::ptrdiff_t> first(0);
    ::thrust::for_each_n(policy, first, static_cast<std::ptrdiff_t>(count),
                         [&task](std::ptrdiff_t i) { task(static_cast<std::size_t>(i)); });
  }
  // Calls f(begin, end) for pieces of [0, size) whose bounds do not depend on the threads.
  template <class F>
  void pieces(std::size_t size, std::size_t per_piece, bool small, const F& f) const {
    tasks((size + per_piece - 1) / per_piece, small,
          [&](std::size_t i) { f(i * per_piece, std::min(size, (i + 1) * per_piece)); });
  }

  std::size_t threads_;
};

static_assert(Backend<Thrust<thrust_cpp>, float> && Backend<Thrust<thrust_cpp>, double>);

}  // namespace vitrail::inline VITRAIL_TU
