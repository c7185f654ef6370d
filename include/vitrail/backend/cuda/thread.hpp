// thread.hpp - what the body of a kernel is written against: its place in the grid, the memory of its block, and what
// threads do together. On a device it is CUDA's; backend/cuda/emulation.hpp has one for the host.
//
// A kernel is a trivially copyable struct with
//   static constexpr unsigned threads;        // of a block, a multiple of the warp's 32
//   static constexpr bool cooperates = true;  // if threads wait for each other or exchange values
//   template <class Thread> VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const;
#pragma once

#include <cstddef>
#include <limits>

#include "../rows.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

inline constexpr unsigned warp_size = 32;

// How many blocks run a kernel.
struct Grid {
  std::size_t blocks = 0;
  std::size_t shared_bytes = 0;  // memory of a block, not initialised
};
template <class Kernel>
constexpr bool cooperates() {
  if constexpr (requires { Kernel::cooperates; }) {
    return Kernel::cooperates;
  } else {
    return false;
  }
}

#ifdef __CUDACC__
// Bodies are compiled for the host as well, by nvcc's front end, but never run there.
struct DeviceThread {
#ifdef __CUDA_ARCH__
  __device__ std::size_t block() const { return blockIdx.x; }
  __device__ std::size_t blocks() const { return gridDim.x; }
  __device__ unsigned index() const { return threadIdx.x; }
  __device__ void sync() const { __syncthreads(); }
  // Among `lanes` neighbours of the warp, a power of two: all wait; the neighbour at index ^ mask has x.
  __device__ void sync_lanes(unsigned lanes) const { __syncwarp(mask_of(lanes)); }
  template <class T>
  __device__ T from_lane(T x, unsigned mask, unsigned lanes) const {
    return __shfl_xor_sync(mask_of(lanes), x, mask);
  }
  template <class T>
  __device__ T* shared() const {
    extern __shared__ __align__(16) unsigned char vitrail_block_memory[];
    return reinterpret_cast<T*>(vitrail_block_memory);
  }

 private:
  static __device__ unsigned mask_of(unsigned lanes) {
    return lanes == warp_size ? ~0u : ((1u << lanes) - 1) << (threadIdx.x % warp_size / lanes * lanes);
  }
#else
  __host__ __device__ std::size_t block() const { return 0; }
  __host__ __device__ std::size_t blocks() const { return 1; }
  __host__ __device__ unsigned index() const { return 0; }
  __host__ __device__ void sync() const {}
  __host__ __device__ void sync_lanes(unsigned) const {}
  template <class T>
  __host__ __device__ T from_lane(T x, unsigned, unsigned) const {
    return x;
  }
  template <class T>
  __host__ __device__ T* shared() const {
    return nullptr;
  }
#endif
};
#endif

// One row held by `lanes` neighbouring threads of a warp, a power of two: thread `lane` has elements lane, lane +
// lanes, ... All of them run the program; results of sum and max are the same in all. The order of additions depends on
// width and lanes alone.
template <class Thread, class T>
struct RowOfThreads {
  using lane = T;
  using value = T;
  const Thread* thread;
  unsigned at, lanes;  // a thread's place in the row, and how many have it

  template <class F>
  VITRAIL_FUNCTION void each(std::size_t width, const F& f) const {
    for (std::size_t j = at; j < width; j += lanes) f(Whole{j});
  }
  template <class F>
  VITRAIL_FUNCTION T sum(std::size_t width, const F& f) const {
    T sums[2] = {T(0), T(0)};
    std::size_t j = at;
    for (; j + lanes < width; j += 2 * lanes) {
      sums[0] += f(Whole{j});
      sums[1] += f(Whole{j + lanes});
    }
    if (j < width) sums[0] += f(Whole{j});
    T all = sums[0] + sums[1];
    for (unsigned mask = lanes / 2; mask > 0; mask /= 2) all += thread->from_lane(all, mask, lanes);
    return all;
  }
  template <class F>
  VITRAIL_FUNCTION T max(std::size_t width, const F& f) const {
    T top = -std::numeric_limits<T>::infinity();
    for (std::size_t j = at; j < width; j += lanes) top = vitrail::max(top, T(f(Whole{j})));
    for (unsigned mask = lanes / 2; mask > 0; mask /= 2) top = vitrail::max(top, thread->from_lane(top, mask, lanes));
    return top;
  }
  // See Row: threads that have no element must hold what changes nothing.
  template <class Op>
  VITRAIL_FUNCTION T fold(T x, std::size_t, const Op& op) const {
    for (unsigned mask = lanes / 2; mask > 0; mask /= 2) x = op(x, thread->from_lane(x, mask, lanes));
    return x;
  }
  template <class F>
  VITRAIL_FUNCTION void once(const F& f) const {
    thread->sync_lanes(lanes);
    if (at == 0) f();
    thread->sync_lanes(lanes);
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
