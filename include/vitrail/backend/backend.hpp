// backend.hpp - what a backend must give, and the options from which one is made.
#pragma once

#include <concepts>
#include <cstddef>

#include "isa.hpp"
#include "memory.hpp"
#include "product.hpp"

namespace vitrail::inline VITRAIL_TU {

// Run-time choices: `vt::Model<Net> model(seed, vt::backend{.threads = 4})`. Zero threads:
// OMP_NUM_THREADS, else the cores.
struct backend {
  int threads = 0;
  isa highest = isa::avx512;  // kernels use what the machine has, but nothing above this
  int device = 0;             // the number of the GPU, for backends that run on one
};

// Where the sums of a column reduction go: sums[k] is written to at[k], or added.
template <class T, std::size_t K>
struct Columns {
  T* at[K] = {};
  bool add[K] = {};
  T* work = nullptr;  // columns_workspace(width, K) values
};

// A sum over rows is cut into chunks and the partial sums are added in order. Their number follows from the rows alone,
// so that bits do not depend on the threads. 8: enough for eight cores, and the partial sums of a layer stay in the L2
// cache.
inline constexpr std::size_t max_row_chunks = 8;
constexpr std::size_t row_chunks(std::size_t rows) {
  const std::size_t chunks = rows / 128;
  return chunks < 1 ? 1 : chunks > max_row_chunks ? max_row_chunks : chunks;
}
constexpr std::size_t columns_workspace(std::size_t width, std::size_t sums) { return max_row_chunks * sums * width; }

namespace detail {
template <class T>
struct AnyProgram {
  using value = T;
  template <class L, class J>
  void at(J) const {}
  template <class R>
  void row(R, std::size_t) const {}
  template <class L, class J>
  void add(std::size_t, J, L (&)[1]) const {}
};
}  // namespace detail

// The required set. Programs are described in rows.hpp. What a backend does better than with these (weight_gradient,
// pack, attention_forward, attention_backward) is optional: operations ask with `requires` and fall back.
template <class B, class T = float>
concept Backend = std::constructible_from<B, backend> &&
    requires(const B& b, std::size_t n, const Product<T>& product, const Columns<T, 1>& columns) {
  typename B::memory;
  { B::name } -> std::convertible_to<const char*>;
  b.elementwise(n, detail::AnyProgram<T>{});
  b.rows(n, n, detail::AnyProgram<T>{});
  b.template columns<1>(n, n, detail::AnyProgram<T>{}, columns);
  b.product(product);
};

}  // namespace vitrail::inline VITRAIL_TU
