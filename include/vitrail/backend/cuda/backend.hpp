// backend.hpp - the required set of a backend, on a device: vt::gpu's is a GPU (nn/policy_gpu.hpp), tests have an
// emulated one.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include "../backend.hpp"
#include "../values.hpp"
#include "attention_backward.hpp"
#include "attention_forward.hpp"
#include "matmul.hpp"
#include "product.hpp"
#include "programs.hpp"

namespace vitrail::inline VITRAIL_TU {

// backend{.device = n} chooses the device. Calls return when the work is queued.
template <class Device>
class Cuda {
 public:
  using device_type = Device;
  using memory = typename Device::memory;
  static constexpr const char* name = Device::name;

  explicit Cuda(vitrail::backend options = {}) : device_(options.device) {}

  const Device& device() const { return device_; }

  template <class Program>
  void elementwise(std::size_t size, const Program& program) const {
    using Kernel = cuda::ElementwiseKernel<Program>;
    if (size) device_.launch({cuda::blocks_for(size, Kernel::of_block)}, Kernel{program, size});
  }
  template <class Program>
  void rows(std::size_t count, std::size_t width, const Program& program) const {
    using Kernel = cuda::RowsKernel<Program>;
    const unsigned of_row = Kernel::threads_for(width);
    if (count) device_.launch({cuda::blocks_for(count, Kernel::threads / of_row)}, Kernel{program, count, of_row});
  }
  template <std::size_t K, class T, class Program>
  void columns(std::size_t rows, std::size_t width, const Program& program, const Columns<T, K>& to) const {
    using Kernel = cuda::ColumnsKernel<K, Program>;
    if (width == 0) return;
    const std::size_t chunks = row_chunks(rows);
    device_.launch({cuda::blocks_for(width, Kernel::columns) * chunks, Kernel::shared_bytes},
                   Kernel{program, rows, width, chunks, to});
    if (chunks == 1) return;
    using Chunks = cuda::ColumnChunksKernel<K, T>;
    device_.launch({cuda::blocks_for(width, Chunks::threads)}, Chunks{width, chunks, to});
  }
  template <class T, class A, class B, class C>
  void product(const Product<T, A, B, C>& p) const {
    if (p.m == 0 || p.n == 0 || p.count == 0) return;
    if constexpr (std::is_same_v<T, float> && std::is_same_v<B, T> && !std::is_same_v<A, T>) {
      if (p.packed) return product(cuda::with_packed(p));
    }
    if constexpr (requires { device_.product(p); }) {
      if (device_.product(p)) return;
    }
    using Kernel = cuda::ProductKernel<T, A, B, C>;
    device_.launch(Kernel::grid(p), Kernel{p});
  }
  // Weights [out, in] as bf16, for products that round them: so they are rounded once, not in every call.
  static constexpr std::size_t packed_size(std::size_t out, std::size_t in) { return (out * in + 1) / 2; }
  void pack(std::size_t out, std::size_t in, const float* from, float* to) const {
    elementwise(out * in, detail::ConvertValues<float, bf16>{from, reinterpret_cast<bf16*>(to)});
  }
  template <class T, class X>
  void attention_forward(const kernels::Attention<T, X>& a) const {
    cuda::attention_forward(device_, a);
  }
  template <class T, class X>
  void attention_backward(const kernels::AttentionGradient<T, X>& g) const {
    const kernels::Attention<T, X>& a = g.forward;
    cuda::attention_backward(device_, g, cuda::most_bias_chunks(a.heads, a.queries, a.keys));
  }
  static constexpr std::size_t attention_bias_workspace(std::size_t heads, std::size_t queries, std::size_t keys) {
    return cuda::most_bias_chunks(heads, queries, keys) * heads * queries * keys;
  }
  // *at = x, after what was queued before; the host goes on.
  template <class T>
  void set(T* at, const T& x) const {
    device_.launch({1}, cuda::SetKernel<T>{at, x});
  }
  // A copy within, to or from the device, after what was queued before.
  void copy(void* to, const void* from, std::size_t bytes) const { device_.copy(to, from, bytes); }

 private:
  Device device_;
};

}  // namespace vitrail::inline VITRAIL_TU
