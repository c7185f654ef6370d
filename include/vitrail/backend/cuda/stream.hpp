// stream.hpp - streams of an NVIDIA GPU, events between them, and memory of the host from which a stream copies while
// others run kernels. For nvcc.
#pragma once

#ifndef __CUDACC__
#error "vitrail/backend/cuda/stream.hpp is for nvcc: compile this file as CUDA (a .cu file)"
#endif

#include <cuda_runtime.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "../../error.hpp"
#include "../memory.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// Throws error with the call, the device and CUDA's own words.
inline void check(cudaError_t status, const std::string& call) {
  if (status == cudaSuccess) return;
  int device = 0;
  (void)cudaGetDevice(&device);
  (void)cudaGetLastError();  // an error that was reported is over
  throw error("CUDA: " + call + " on device " + std::to_string(device) + ": " + cudaGetErrorName(status) + ", " +
              cudaGetErrorString(status));
}

// Memory of the host whose pages stay: copies from it need no help of the processor.
struct PinnedMemory : HostMemory {
  // At least one byte, zeroed. Throws error.
  static void* allocate(std::size_t bytes) {
    void* memory = nullptr;
    const std::size_t rounded = round_up(bytes + (bytes == 0));
    check(cudaMallocHost(&memory, rounded), "cudaMallocHost of " + std::to_string(rounded) + " bytes");
    return std::memset(memory, 0, rounded);
  }
  static void release(void* memory) noexcept { (void)cudaFreeHost(memory); }
};

// Whether all that a stream was given before the event was last recorded is done.
class Event {
 public:
  // The host waits; not if it was never recorded.
  void wait() const {
    if (event_) check(cudaEventSynchronize(event_.get()), "cudaEventSynchronize");
  }

 private:
  friend class Stream;
  struct Destroy {
    void operator()(cudaEvent_t event) const { (void)cudaEventDestroy(event); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, Destroy> event_;
};

// Work of a device, done in turn; that of the device that is current when the stream is made, as it must be when an
// event is recorded for the first time.
class Stream {
 public:
  Stream() {
    cudaStream_t made = nullptr;
    check(cudaStreamCreate(&made), "cudaStreamCreate");
    stream_.reset(made);
  }
  cudaStream_t get() const { return stream_.get(); }
  void copy(void* to, const void* from, std::size_t bytes) const {
    if (bytes) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, get()), "cudaMemcpyAsync");
  }
  void record(Event& event) const {
    if (!event.event_) {
      cudaEvent_t made = nullptr;
      check(cudaEventCreateWithFlags(&made, cudaEventDisableTiming), "cudaEventCreateWithFlags");
      event.event_.reset(made);
    }
    check(cudaEventRecord(event.event_.get(), get()), "cudaEventRecord");
  }
  // What it is given from now on waits; not if the event was never recorded.
  void wait_for(const Event& event) const {
    if (event.event_) check(cudaStreamWaitEvent(get(), event.event_.get()), "cudaStreamWaitEvent");
  }

 private:
  struct Destroy {
    void operator()(cudaStream_t stream) const { (void)cudaStreamDestroy(stream); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaStream_t>, Destroy> stream_;
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
