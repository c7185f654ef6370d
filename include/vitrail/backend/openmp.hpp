// openmp.hpp - the CPU backend: own kernels, chosen by instruction set at run time, on a fixed number of threads.
//
// Work is cut into chunks whose bounds follow from sizes alone, never from the number of threads, and partial sums are
// added in the order of the chunks: the same bits for any number of threads. Without -fopenmp it runs on one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "backend.hpp"
#include "isa.hpp"
#include "kernels/attention.hpp"
#include "kernels/convolution_gradient.hpp"
#include "kernels/product.hpp"
#include "kernels/reference_product.hpp"
#include "kernels/weight_gradient.hpp"
#include "partial_sums.hpp"
#include "rows.hpp"
#include "workers.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The roots into which programs are inlined. Doubles are for checks, not for speed: they run as scalars.
template <class Program>
struct ElementwiseKernel {
  template <isa I>
  VITRAIL_INLINE static void body(const Program* program, std::size_t begin, std::size_t end) {
    using L = lane_of<I, typename Program::value>;
    each_lane<L>(begin, end, [&](auto j) VITRAIL_LAMBDA { program->template at<L>(j); });
  }
};
template <class Program>
struct RowsKernel {
  template <isa I>
  VITRAIL_INLINE static void body(const Program* program, std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) program->row(Row<lane_of<I, typename Program::value>>{}, r);
  }
};
template <std::size_t K, class Program>
struct ColumnsKernel {
  // Sums rows [first, last) of columns [begin, end) into to[k][j]. Four lanes of columns at a time: whole cache lines
  // of a row.
  template <isa I, class T>
  VITRAIL_INLINE static void body(const Program* program, std::size_t first, std::size_t last, std::size_t begin,
                                  std::size_t end, const Columns<T, K>* to) {
    using L = lane_of<I, T>;
    constexpr std::size_t width = lanes<L>::width, group = 4;
    std::size_t j = begin;
    for (; j + group * width <= end; j += group * width) {
      L sums[group][K];
      for (auto& part : sums) {
        for (L& sum : part) sum = constant<L>(0);
      }
      for (std::size_t r = first; r < last; ++r) {
#pragma GCC unroll 4
        for (std::size_t g = 0; g < group; ++g) program->template add<L>(r, Whole{j + g * width}, sums[g]);
      }
      for (std::size_t g = 0; g < group; ++g) finish<L>(Whole{j + g * width}, sums[g], *to);
    }
    each_lane<L>(j, end, [&](auto part) VITRAIL_LAMBDA {
      L sums[K];
      for (L& sum : sums) sum = constant<L>(0);
      for (std::size_t r = first; r < last; ++r) program->template add<L>(r, part, sums);
      finish<L>(part, sums, *to);
    });
  }
  template <class L, class J, class T>
  VITRAIL_INLINE static void finish(J j, const L (&sums)[K], const Columns<T, K>& to) {
    for (std::size_t k = 0; k < K; ++k) {
      if (to.at[k]) put<L>(to.at[k], j, sums[k], to.add[k]);
    }
  }
};

}  // namespace detail

class OpenMP {
 public:
  using memory = HostMemory;
  static constexpr const char* name = "openmp";

  explicit OpenMP(backend options = {}) {
    if (options.threads > 0) workers_.threads = static_cast<std::size_t>(options.threads);
    workers_.level = std::min(workers_.level, options.highest);
  }
  explicit OpenMP(Workers workers) : workers_(workers) {}
  const Workers& workers() const { return workers_; }
  int threads() const { return static_cast<int>(workers_.threads); }

  template <class Program>
  void elementwise(std::size_t size, const Program& program) const {
    cut<detail::ElementwiseKernel<Program>>(size, elements_per_chunk, size < serial_elements, program);
  }
  template <class Program>
  void rows(std::size_t count, std::size_t width, const Program& program) const {
    const std::size_t per_chunk = std::max<std::size_t>(1, elements_per_chunk / std::max<std::size_t>(width, 1));
    cut<detail::RowsKernel<Program>>(count, per_chunk, count * width < serial_elements, program);
  }
  template <std::size_t K, class T, class Program>
  void columns(std::size_t rows, std::size_t width, const Program& program, const Columns<T, K>& to) const {
    // Wide sums have enough columns for all threads; only narrow ones are cut into chunks of rows as well.
    const std::size_t blocks = (width + columns_per_block - 1) / columns_per_block;
    const std::size_t chunks = blocks >= max_row_chunks ? 1 : row_chunks(rows);
    run_chunks(blocks * chunks, rows * width < serial_elements, [&](std::size_t task) {
      const std::size_t chunk = task / blocks, begin = task % blocks * columns_per_block;
      Columns<T, K> part = to;
      if (chunks > 1) {
        for (std::size_t k = 0; k < K; ++k) {
          if (to.at[k]) part.at[k] = to.work + (chunk * K + k) * width;
          part.add[k] = false;
        }
      }
      start<detail::ColumnsKernel<K, Program>>(&program, rows * chunk / chunks, rows * (chunk + 1) / chunks, begin,
                                               std::min(width, begin + columns_per_block),
                                               static_cast<const Columns<T, K>*>(&part));
    });
    for (std::size_t k = 0; k < K && chunks > 1; ++k) {
      if (to.at[k]) {
        elementwise(width, detail::PartialSums<T>{to.work + k * width, K * width, chunks, to.at[k], to.add[k]});
      }
    }
  }

  void product(const Product<float>& p) const { kernels::product(workers_, p); }
  // For checks.
  void product(const Product<double>& p) const {
    constexpr std::size_t block = 64;
    const std::size_t blocks = (p.m + block - 1) / block;
    run_chunks(p.count * blocks, p.count * p.m * p.n * p.k < serial_elements, [&](std::size_t task) {
      const std::size_t begin = task % blocks * block;
      kernels::reference_product(p, task / blocks, begin, std::min(p.m, begin + block));
    });
  }
  void weight_gradient(const WeightGradient<float>& g) const { kernels::weight_gradient(workers_, g); }
  void convolution_forward(const Convolution<float>& g) const { kernels::convolution_forward(workers_, g); }
  void convolution_input_gradient(const Convolution<float>& g) const {
    kernels::convolution_input_gradient(workers_, g);
  }
  void convolution_weight_gradient(const Convolution<float>& g) const {
    kernels::convolution_weight_gradient(workers_, g);
  }
  static constexpr std::size_t convolution_workspace(std::size_t out, std::size_t depth) {
    return kernels::convolution_workspace(out, depth);
  }
  // The layout in which inference keeps weights [out, in]; it depends on the instruction set. packed_size counts
  // floats.
  std::size_t packed_size(std::size_t out, std::size_t in) const {
    return kernels::packed_size(workers_.level, out, in);
  }
  void pack(std::size_t out, std::size_t in, const float* weight, float* packed) const {
    kernels::pack(workers_, out, in, weight, 1, static_cast<std::ptrdiff_t>(in), packed);
  }
  static constexpr std::size_t weight_gradient_workspace(std::size_t out, std::size_t in) {
    return kernels::weight_gradient_workspace(out, in);
  }

  static constexpr bool attention_takes_extra_keys = true;
  void attention_forward(const kernels::Attention<float>& a) const { kernels::attention_forward(workers_, a); }
  void attention_backward(const kernels::AttentionGradient<float>& g) const {
    kernels::attention_backward(workers_, g);
    const kernels::Attention<float>& a = g.forward;
    const std::size_t size = a.heads * a.queries * a.keys;
    if (!g.bias || size == 0) return;
    elementwise(size, detail::PartialSums<float>{g.bias_work, size, kernels::bias_chunks(a.groups()), g.bias,
                                                 g.add_bias, 1 / a.scale});
  }

 private:
  // 8192 floats stay in the L1 cache with their results; below 16384 a parallel region costs more than it saves.
  static constexpr std::size_t elements_per_chunk = 8192, serial_elements = 16384, columns_per_block = 256;

  // One parallel region serves all programs: an outlined region with its exception handling for each would cost compile
  // time.
  struct Chunk {
    void (*run)(const void*, std::size_t);
    const void* task;
    void operator()(std::size_t i) const { run(task, i); }
  };
  template <class Task>
  void run_chunks(std::size_t count, bool small, const Task& task) const {
    workers_.chunks(count, small,
                    Chunk{[](const void* t, std::size_t i) { (*static_cast<const Task*>(t))(i); }, &task});
  }
  // A minor program is not worth compiling for every instruction set.
  template <class Kernel, class Program, class... A>
  void start(const Program* program, A... arguments) const {
    if constexpr (requires { Program::is_minor; }) {
      on<floor_isa>::template call<Kernel>(program, arguments...);
    } else {
      launch<Kernel>(workers_.level, program, arguments...);
    }
  }
  template <class Kernel, class Program>
  void cut(std::size_t size, std::size_t per_chunk, bool small, const Program& program) const {
    run_chunks((size + per_chunk - 1) / per_chunk, small,
               [&](std::size_t c) { start<Kernel>(&program, c * per_chunk, std::min(size, (c + 1) * per_chunk)); });
  }

  Workers workers_;
};

static_assert(Backend<OpenMP, float> && Backend<OpenMP, double>);

}  // namespace vitrail::inline VITRAIL_TU
