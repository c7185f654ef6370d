// thread.hpp - what the body of a kernel is written against: its place in the grid, the memory of its block, and what
// threads do together. On a device it is CUDA's; backend/cuda/emulation.hpp has one for the host.
//
// A kernel is a trivially copyable struct with
//   static constexpr unsigned threads;        // of a block, a multiple of the warp's 32
//   static constexpr bool cooperates = true;  // if threads wait for each other or exchange values
//   static constexpr unsigned blocks_per_core = 2;  // if registers are to be rationed so that so many fit
//   template <class Thread> VITRAIL_HOST_DEVICE void operator()(const Thread& thread) const;
#pragma once

#include <cstddef>

#include "../../config.hpp"

// How often device code repeats the body of the loop that follows. Unasked, nvcc unrolls until registers run out.
#ifdef __CUDACC__
#define VITRAIL_UNROLL_PRAGMA(text) _Pragma(#text)
#define VITRAIL_UNROLL(times) VITRAIL_UNROLL_PRAGMA(unroll times)
#else
#define VITRAIL_UNROLL(times)
#endif

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
template <class Kernel>
constexpr unsigned blocks_per_core() {
  if constexpr (requires { Kernel::blocks_per_core; }) {
    return Kernel::blocks_per_core;
  } else {
    return 1;
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
  template <class T, class F>
  __host__ __device__ void share(const T&, const F&) const {}
  template <class T>
  __host__ __device__ T* shared() const {
    return nullptr;
  }
#endif
};
#endif

}  // namespace vitrail::inline VITRAIL_TU::cuda
