// programs.hpp - the kernels that run the programs of backend/rows.hpp: elementwise, rows, columns.
#pragma once

#include <cstddef>

#include "../backend.hpp"
#include "row.hpp"
#include "thread.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

constexpr std::size_t blocks_for(std::size_t work, std::size_t per_block) { return (work + per_block - 1) / per_block; }

// One value, which travels with the kernel's arguments.
template <class T>
struct SetKernel {
  static constexpr unsigned threads = warp_size;
  T* at;
  T x;

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    if (thread.index() == 0) *at = x;
  }
};

// A thread for each lane of elements.
template <class Program>
struct ElementwiseKernel {
  using L = lane_of_thread<Program>;
  static constexpr unsigned threads = 256, of_thread = lanes<L>::width, of_block = threads * of_thread;
  Program program;
  std::size_t size;

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const std::size_t i = (thread.block() * threads + thread.index()) * of_thread;
    if (i + of_thread <= size) {
      program.template at<L>(Whole{i});
    } else if constexpr (of_thread > 1) {
      for (std::size_t k = i; k < size; ++k) program.template at<typename Program::value>(Whole{k});
    }
  }
};

// As many threads for each row as it has lanes, up to a warp.
template <class Program>
struct RowsKernel {
  using L = lane_of_thread<Program>;
  static constexpr unsigned threads = 128;
  static constexpr bool cooperates = true;
  Program program;
  std::size_t rows;
  unsigned of_row;  // threads

  static constexpr unsigned threads_for(std::size_t width) {
    if constexpr (requires { Program::row_is_one_thread; }) return 1;
    unsigned count = 1;
    while (count < warp_size && count * lanes<L>::width < width) count *= 2;
    return count;
  }
  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const std::size_t r = thread.block() * (threads / of_row) + thread.index() / of_row;
    if (r < rows) program.row(RowOfThreads<Thread, L>{&thread, thread.index() % of_row, of_row}, r);
  }
};

// A block sums 32 columns of a chunk of rows: eight threads for each column take every eighth row, and their sums are
// added in order.
template <std::size_t K, class Program>
struct ColumnsKernel {
  using T = typename Program::value;
  static constexpr unsigned threads = 256, columns = 32, parts = threads / columns;
  static constexpr bool cooperates = true;
  static constexpr std::size_t shared_bytes = threads * K * sizeof(T);
  Program program;
  std::size_t rows, width, chunks;
  Columns<T, K> to;

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const std::size_t blocks = blocks_for(width, columns), chunk = thread.block() / blocks;
    const std::size_t j = thread.block() % blocks * columns + thread.index() % columns;
    const unsigned part = thread.index() / columns;
    T sums[K] = {};
    if (j < width) {
      const std::size_t end = rows * (chunk + 1) / chunks;
      for (std::size_t r = rows * chunk / chunks + part; r < end; r += parts) {
        program.template add<T>(r, Whole{j}, sums);
      }
    }
    T* shared = thread.template shared<T>();
    for (std::size_t k = 0; k < K; ++k) shared[k * threads + thread.index()] = sums[k];
    thread.sync();
    if (part > 0 || j >= width) return;
    for (std::size_t k = 0; k < K; ++k) {
      if (!to.at[k]) continue;
      T sum = 0;
      for (unsigned p = 0; p < parts; ++p) sum += shared[k * threads + p * columns + thread.index()];
      if (chunks > 1) {
        to.work[(chunk * K + k) * width + j] = sum;
      } else {
        to.at[k][j] = to.add[k] ? to.at[k][j] + sum : sum;
      }
    }
  }
};
// Adds the chunks' sums in their order.
template <std::size_t K, class T>
struct ColumnChunksKernel {
  static constexpr unsigned threads = 256;
  std::size_t width, chunks;
  Columns<T, K> to;

  template <class Thread>
  VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const {
    const std::size_t j = thread.block() * threads + thread.index();
    for (std::size_t k = 0; k < K && j < width; ++k) {
      if (!to.at[k]) continue;
      T sum = 0;
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) sum += to.work[(chunk * K + k) * width + j];
      to.at[k][j] = to.add[k] ? to.at[k][j] + sum : sum;
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
