// workers.hpp - the threads and the instruction set of a CPU backend, and the scratch memory of kernels.
//
// All work is cut into chunks whose bounds depend on shapes only, never on the number of threads: who computes a chunk
// does not change its bits. Without OpenMP everything runs on the calling thread.
#pragma once

#include <xmmintrin.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <new>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "isa.hpp"

namespace vitrail::inline VITRAIL_TU {

// Sets flush-to-zero and denormals-are-zero on this thread and restores the former state: Adam's moments of a dead
// unit turn denormal after some 800 steps, and every operation on a denormal costs over a hundred cycles on some
// machines.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | flush_to_zero | denormals_are_zero); }
  ~FlushDenormals() { _mm_setcsr(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  static constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
  unsigned saved_;
};

// Uninitialised floats for the time of one driver call, 64-byte aligned, from a buffer of the calling thread that only
// grows. A driver takes what its whole team needs before it opens a parallel region. Leases nest like calls: a driver
// inside a driver gets memory beyond that of the outer one. Throws std::bad_alloc.
class Scratch {
 public:
  explicit Scratch(std::size_t floats) : size_(round_up(floats * sizeof(float), 64)) {
    Arena& arena = arena_of_thread();
    if (arena.used == 0 && arena.capacity < std::max(size_, arena.wish)) arena.grow(std::max(size_, arena.wish));
    own_ = arena.used + size_ > arena.capacity;
    if (own_) {  // rare: a nested lease that the buffer has no room for; the next outermost one makes room for both
      arena.wish = std::max(arena.wish, arena.used + size_);
      data_ = allocate(size_);
    } else {
      data_ = arena.data + arena.used;
      arena.used += size_;
    }
  }
  ~Scratch() {
    if (own_)
      std::free(data_);
    else
      arena_of_thread().used -= size_;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  float* data() const { return reinterpret_cast<float*>(data_); }

 private:
  static constexpr std::size_t huge_page = std::size_t(1) << 21;

  struct Arena {
    std::byte* data = nullptr;
    std::size_t capacity = 0, used = 0, wish = 0;
    void grow(std::size_t bytes) {
      std::free(data);
      data = nullptr;
      capacity = 0;
      data = allocate(bytes);
      capacity = bytes;
    }
    ~Arena() { std::free(data); }
  };

  static constexpr std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }
  // Large buffers start on a huge page, where the system gives those: packed panels are read with few address misses.
  static std::byte* allocate(std::size_t& bytes) {
    const std::size_t alignment = bytes >= huge_page ? huge_page : 64;
    bytes = std::max(round_up(bytes, alignment), alignment);
    void* p = std::aligned_alloc(alignment, bytes);
    if (p == nullptr) throw std::bad_alloc();
    return static_cast<std::byte*>(p);
  }
  static Arena& arena_of_thread() {
    static thread_local Arena arena;
    return arena;
  }

  std::size_t size_;
  std::byte* data_;
  bool own_;
};

// The threads and the instruction set that kernels may use. A plain value; several host threads may use one at once.
struct Workers {
  std::size_t threads = default_threads();
  isa level = best_isa();

  // OMP_NUM_THREADS if set, else the cores; one without OpenMP.
  static std::size_t default_threads() {
#ifdef _OPENMP
    return static_cast<std::size_t>(std::max(1, omp_get_max_threads()));
#else
    return 1;
#endif
  }

  // How many threads `chunks(n, small, ...)` uses at most. One inside another parallel region.
  std::size_t team_size(std::size_t n, bool small = false) const {
#ifdef _OPENMP
    return small || n < 2 || threads < 2 || omp_in_parallel() ? 1 : std::min(threads, n);
#else
    static_cast<void>(n), static_cast<void>(small);
    return 1;
#endif
  }

  // Runs f(i), or f(i, thread) with thread < team_size(n, small), for every i in [0, n). Each thread gets a contiguous
  // range in ascending order. `small` says that a team is not worth waking. The first exception in the order of i is
  // rethrown.
  template <class F>
  void chunks(std::size_t n, bool small, const F& f) const {
    const auto range = [&](std::size_t thread, std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        if constexpr (std::invocable<const F&, std::size_t, std::size_t>)
          f(i, thread);
        else
          f(i);
      }
    };
    const std::size_t size = team_size(n, small);
    if (size == 1) {
      const FlushDenormals flush;
      return range(0, 0, n);
    }
#ifdef _OPENMP
    std::exception_ptr failure;  // an exception must not leave the region
    std::size_t failed_thread = size;
#pragma omp parallel num_threads(static_cast <int>(size))
    {
      const FlushDenormals flush;
      const auto thread = static_cast<std::size_t>(omp_get_thread_num());
      const auto team = static_cast<std::size_t>(omp_get_num_threads());
      try {
        range(thread, n * thread / team, n * (thread + 1) / team);
      } catch (...) {
#pragma omp critical(vitrail_workers_failure)
        if (thread < failed_thread) {
          failed_thread = thread;
          failure = std::current_exception();
        }
      }
    }
    if (failure) std::rethrow_exception(failure);
#endif
  }

  // Runs f(thread, threads, barrier) on a team of at most `size` threads; barrier() waits for all of them. f must not
  // throw (the others would wait for ever): the program is terminated.
  template <class F>
  void team(std::size_t size, const F& f) const {
    size = team_size(size);
    if (size == 1) {
      const FlushDenormals flush;
      return call(f, 0, 1);
    }
#ifdef _OPENMP
#pragma omp parallel num_threads(static_cast <int>(size))
    {
      const FlushDenormals flush;
      call(f, static_cast<std::size_t>(omp_get_thread_num()), static_cast<std::size_t>(omp_get_num_threads()));
    }
#endif
  }

 private:
  template <class F>
  static void call(const F& f, std::size_t thread, std::size_t threads) noexcept {
    f(thread, threads, [threads] {
#ifdef _OPENMP
      if (threads > 1) {
#pragma omp barrier
      }
#else
      static_cast<void>(threads);
#endif
    });
  }
};

}  // namespace vitrail::inline VITRAIL_TU
