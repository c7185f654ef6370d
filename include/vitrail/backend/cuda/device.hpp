// device.hpp - one NVIDIA GPU: its memory, a stream on which kernels run one after the other, one for copies beside
// them, graphs of kernels, and what is said when something fails. For nvcc.
#pragma once

#ifndef __CUDACC__
#error "vitrail/backend/cuda/device.hpp is for nvcc: compile this file as CUDA (a .cu file)"
#endif

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "../../error.hpp"
#include "../memory.hpp"
#include "../planned_memory.hpp"
#include "stream.hpp"
#include "thread.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

inline std::string spelled_version(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}
// The number of devices; throws error that says what is missing if there is none.
inline int device_count() {
  int count = 0, driver = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  (void)cudaDriverGetVersion(&driver);
  if (driver == 0) throw error("vt::gpu: no CUDA device: there is no NVIDIA driver");
  if (status == cudaErrorInsufficientDriver) {
    throw error("vt::gpu: the NVIDIA driver is too old: it supports CUDA " + spelled_version(driver) +
                ", this program was compiled with " + spelled_version(CUDART_VERSION));
  }
  throw error("vt::gpu: no CUDA device: " + std::string(cudaGetErrorString(status)));
}

// Memory of the device that is current in the calling thread.
struct DeviceMemory {
  static constexpr bool host_readable = false;
  static constexpr std::size_t alignment = 256;  // cudaMalloc's, and enough for every access
  static constexpr std::size_t round_up(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

  // At least one byte, zeroed. Throws error with the bytes that are free.
  static void* allocate(std::size_t bytes) {
    void* memory = nullptr;
    const std::size_t rounded = round_up(bytes + (bytes == 0));
    if (cudaMalloc(&memory, rounded) != cudaSuccess) {
      (void)cudaGetLastError();
      const MemoryBytes now = DeviceMemory::bytes();
      int device = 0;
      (void)cudaGetDevice(&device);
      throw error("CUDA: device " + std::to_string(device) + " has no memory for " + std::to_string(rounded) +
                  " bytes: " + std::to_string(now.free) + " of " + std::to_string(now.total) + " are free");
    }
    check(cudaMemset(memory, 0, rounded), "cudaMemset");
    return memory;
  }
  static void release(void* memory) noexcept { (void)cudaFree(memory); }
  // What is free of the device's memory now, for all programs that use it.
  static MemoryBytes bytes() {
    MemoryBytes now;
    check(cudaMemGetInfo(&now.free, &now.total), "cudaMemGetInfo");
    return now;
  }
  static bool holds(const void* p) {
    cudaPointerAttributes of{};
    check(cudaPointerGetAttributes(&of, p), "cudaPointerGetAttributes");
    return of.type == cudaMemoryTypeDevice || of.type == cudaMemoryTypeManaged;
  }
  // Between host and device, either way; waits for all that the streams of this library do before.
  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes) check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
  }
};

template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads, blocks_per_core<Kernel>()) run_kernel(const Kernel kernel) {
  kernel(DeviceThread{});
}

// The kernels of one backend object run in order on its stream. It waits for the host's copies and they for it.
class Device {
 public:
  using memory = DeviceMemory;
  using pinned_memory = PinnedMemory;
  using Event = cuda::Event;
  static constexpr const char* name = "cuda";

  // Makes the device current in this thread. Throws error if there is none with this number.
  explicit Device(int number = 0) : number_(made_current(number)) {}

  int number() const { return number_; }
  const Stream& kernels() const { return kernels_; }
  const Stream& copies() const { return copies_; }
  cudaStream_t stream() const { return kernels_.get(); }
  // Makes it the calling thread's device, as each call below does.
  void use() const { use(number_); }

  template <class Kernel>
  void launch(const Grid& grid, const Kernel& kernel) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "a kernel is copied to the device as bytes");
    if (grid.blocks == 0) return;
    if (grid.blocks > 0x7fffffff) throw error("CUDA: a kernel of " + std::to_string(grid.blocks) + " blocks");
    use();
    if (grid.shared_bytes > 48 * 1024) {
      check(cudaFuncSetAttribute(run_kernel<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(grid.shared_bytes)),
            "cudaFuncSetAttribute of " + std::to_string(grid.shared_bytes) + " bytes of shared memory");
    }
    run_kernel<<<static_cast<unsigned>(grid.blocks), Kernel::threads, grid.shared_bytes, stream()>>>(kernel);
    check(cudaGetLastError(), "the launch of a kernel");
  }
  // A copy that takes its turn after the kernels before. From the host's memory it may be made before its turn comes.
  void copy(void* to, const void* from, std::size_t bytes) const {
    use();
    kernels_.copy(to, from, bytes);
  }
  void wait() const { check(cudaStreamSynchronize(stream()), "cudaStreamSynchronize"); }

  // Kernels and copies between begin_graph() and end_graph() are recorded, and run when the graph is.
  class Graph {
   public:
    explicit operator bool() const { return graph_ != nullptr; }

   private:
    friend class Device;
    struct Destroy {
      void operator()(cudaGraphExec_t graph) const { (void)cudaGraphExecDestroy(graph); }
    };
    std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, Destroy> graph_;
  };
  void begin_graph() const {
    use();
    check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  }
  Graph end_graph() const {
    cudaGraph_t recorded = nullptr;
    check(cudaStreamEndCapture(stream(), &recorded), "cudaStreamEndCapture");
    cudaGraphExec_t made = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&made, recorded, 0);
    (void)cudaGraphDestroy(recorded);
    check(status, "cudaGraphInstantiate");
    Graph graph;
    graph.graph_.reset(made);
    return graph;
  }
  // Forgets what was recorded since begin_graph(), whatever became of it.
  void cancel_graph() const noexcept {
    cudaGraph_t recorded = nullptr;
    (void)cudaStreamEndCapture(stream(), &recorded);
    if (recorded) (void)cudaGraphDestroy(recorded);
    (void)cudaGetLastError();
  }
  void run(const Graph& graph) const {
    use();
    check(cudaGraphLaunch(graph.graph_.get(), stream()), "cudaGraphLaunch");
  }

 private:
  static void use(int number) {
    int current = -1;
    check(cudaGetDevice(&current), "cudaGetDevice");
    if (current != number) check(cudaSetDevice(number), "cudaSetDevice");
  }
  static int made_current(int number) {
    const int count = device_count();
    if (number < 0 || number >= count) {
      throw error("vt::gpu: no CUDA device " + std::to_string(number) + ": there are " + std::to_string(count));
    }
    use(number);
    return number;
  }
  int number_;
  Stream kernels_, copies_;
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
