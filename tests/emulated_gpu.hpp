// emulated_gpu.hpp - policies that run a model on the emulated device: what vt::gpu does, without a GPU.
#pragma once

#include <vitrail/backend/bf16.hpp>
#include <vitrail/backend/cuda/backend.hpp>
#include <vitrail/backend/cuda/emulation.hpp>
#include <vitrail/nn/tuning.hpp>

#include <cstddef>

namespace test {

struct emulated_gpu {
  using value = float;
  using backend = vitrail::Cuda<vitrail::cuda::EmulatedDevice>;
  using tune = vitrail::train_all;
};
struct emulated_gpu_double : emulated_gpu {
  using value = double;
};
// As vt::gpu_bf16.
struct emulated_gpu_bf16 : emulated_gpu {
  using stored = vitrail::bf16;
};

// Threads of a block take their turns in the other order as long as it lives.
struct DescendingThreads {
  DescendingThreads() { vitrail::cuda::EmulatedDevice::descending() = true; }
  ~DescendingThreads() { vitrail::cuda::EmulatedDevice::descending() = false; }
};

// As long as it lives copies beside kernels are made as soon as they may be, and kernels run when the host waits; or,
// with false, as otherwise, the other way round.
class CopiesAhead {
 public:
  explicit CopiesAhead(bool on = true) { set(on); }
  ~CopiesAhead() { set(false); }
  CopiesAhead(const CopiesAhead&) = delete;
  CopiesAhead& operator=(const CopiesAhead&) = delete;

 private:
  static void set(bool on) {
    auto& streams = vitrail::cuda::EmulatedStreams::get();
    streams.finish();
    streams.copies_ahead = on;
  }
};
// As long as it lives so many bytes of the emulated device are free, beside those that were in use before.
class FreeMemory {
 public:
  explicit FreeMemory(std::size_t bytes) : before_(pool().bytes()) {
    pool().set_total(before_.total - before_.free + bytes);
  }
  ~FreeMemory() { pool().set_total(before_.total); }
  FreeMemory(const FreeMemory&) = delete;
  FreeMemory& operator=(const FreeMemory&) = delete;
  static std::size_t now() { return pool().bytes().free; }

 private:
  static vitrail::cuda::EmulatedPool& pool() { return vitrail::cuda::EmulatedPool::get(); }
  vitrail::MemoryBytes before_;
};

}  // namespace test
