// emulation.hpp - a device that is not there: kernels run on the host, thread by thread, so that their logic can be
// tested where there is no GPU, under sanitizers too.
//
// What it finds: results that are wrong, threads that wait at different barriers, results that depend on the order of a
// block's threads (run twice, in two orders), and host code that reads or writes the device's memory (it crashes: the
// pages are protected). What it does not: kernels that read the host's memory, races between blocks, speed, bank
// conflicts, more shared memory or registers than there are.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

#include "../../error.hpp"
#include "../memory.hpp"
#include "thread.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// The emulated device's memory: one range of addresses, which the host cannot touch unless an Access lives.
class EmulatedPool {
 public:
  static EmulatedPool& get() {
    static EmulatedPool pool;
    return pool;
  }
  class Access {
   public:
    Access() : pool_(&get()), lock_(pool_->mutex_) {
      if (pool_->users_++ == 0) pool_->protect(PROT_READ | PROT_WRITE);
    }
    ~Access() {
      if (--pool_->users_ == 0) pool_->protect(PROT_NONE);
    }
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

   private:
    EmulatedPool* pool_;
    std::lock_guard<std::recursive_mutex> lock_;
  };

  void* allocate(std::size_t bytes) {
    const Access access;
    // Between two blocks stays a gap, so that what runs over the end of one does not look like another's.
    const std::size_t size = HostMemory::round_up(bytes + 1) + HostMemory::alignment;
    for (auto at = free_.begin(); at != free_.end(); ++at) {
      if (at->second < size) continue;
      void* memory = base_ + at->first;
      if (at->second > size) free_.emplace(at->first + size, at->second - size);
      taken_[at->first] = size;
      free_.erase(at);
      return std::memset(memory, 0, bytes);
    }
    if (size > capacity - end_) throw std::bad_alloc();
    taken_[end_] = size;
    void* memory = base_ + end_;
    end_ += size;
    protect(PROT_READ | PROT_WRITE);
    return std::memset(memory, 0, bytes);
  }
  void release(void* memory) noexcept {
    if (!memory) return;
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(static_cast<std::size_t>(static_cast<std::byte*>(memory) - base_));
    free_.emplace(found->first, found->second);
    taken_.erase(found);
    if (taken_.empty()) free_.clear(), end_ = 0;
  }
  bool has(std::uintptr_t address) const {
    const auto base = reinterpret_cast<std::uintptr_t>(base_);
    return address >= base && address < base + capacity;
  }

 private:
  static constexpr std::size_t capacity = std::size_t(1) << 34;  // of addresses, not of memory
  EmulatedPool() {
    void* range = ::mmap(nullptr, capacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(range);
  }
  void protect(int rights) const {
    constexpr std::size_t page = 4096;
    if (end_) (void)::mprotect(base_, (end_ + page - 1) / page * page, rights);
  }

  std::recursive_mutex mutex_;
  std::byte* base_ = nullptr;
  std::size_t end_ = 0, users_ = 0;
  std::map<std::size_t, std::size_t> free_, taken_;  // offset and size
};

struct EmulatedMemory {
  static constexpr bool host_readable = false;
  static constexpr std::size_t alignment = HostMemory::alignment;
  static constexpr std::size_t round_up(std::size_t bytes) { return HostMemory::round_up(bytes); }
  static void* allocate(std::size_t bytes) { return EmulatedPool::get().allocate(bytes); }
  static void release(void* memory) noexcept { EmulatedPool::get().release(memory); }
  static void copy(void* to, const void* from, std::size_t bytes) {
    const EmulatedPool::Access access;
    HostMemory::copy(to, from, bytes);
  }
};

// Goes on where the stack `to` was left, and leaves where this one is in *from. swapcontext() does that too, with two
// calls of the operating system.
__attribute__((naked, noinline)) inline void switch_stack(void** /*from*/, void* /*to*/) {
  asm("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret");
}

// The threads of a block, each on a stack of its own; one runs until it waits for others.
class EmulatedBlock {
 public:
  explicit EmulatedBlock(unsigned threads) : threads_(threads), stacks_(new std::byte[threads * stack_bytes]) {}

  // Calls body(index) for all threads, in ascending or descending order. Throws error if they wait for each other for
  // ever.
  template <class Body>
  void run(const Body& body, bool descending) {
    const std::function<void(unsigned)> call = body;
    body_ = &call;
    const auto count = static_cast<unsigned>(threads_.size());
    for (unsigned i = 0; i < count; ++i) {
      Thread& thread = threads_[i];
      thread.done = false;
      // As if it had called switch_stack() at the start of enter(): six registers, and where to return to.
      const auto end = reinterpret_cast<std::uintptr_t>(stacks_.get() + (i + 1) * stack_bytes);
      void** const top = reinterpret_cast<void**>(end / 16 * 16) - 2;
      *top = reinterpret_cast<void*>(&enter);
      thread.stack = top - 6;
    }
    running() = this;
    waiting_.clear();
    for (unsigned left = count; left > 0;) {
      moved_ = false;
      for (unsigned k = 0; k < count; ++k) {
        current_ = descending ? count - 1 - k : k;
        if (threads_[current_].done) continue;
        switch_stack(&scheduler_, threads_[current_].stack);
        if (threads_[current_].done) --left, moved_ = true;
      }
      if (!moved_) throw error("emulated device: threads of a block wait for each other at different barriers");
    }
  }
  // Waits until all threads [first, first + count) are at this barrier.
  void wait(unsigned first, unsigned count) {
    Barrier& barrier = waiting_[{first, count}];
    const std::size_t generation = barrier.generation;
    if (++barrier.arrived == count) {
      barrier.arrived = 0;
      ++barrier.generation;
      moved_ = true;
    }
    while (barrier.generation == generation) switch_stack(&threads_[current_].stack, scheduler_);
  }
  // What each thread hands over in a shuffle.
  std::byte* slot(unsigned index) { return threads_[index].slot; }

 private:
  static constexpr std::size_t stack_bytes = 64 * 1024;
  struct Thread {
    void* stack = nullptr;
    bool done = false;
    alignas(16) std::byte slot[16];
  };
  struct Barrier {
    unsigned arrived = 0;
    std::size_t generation = 0;
  };
  static EmulatedBlock*& running() {
    static thread_local EmulatedBlock* block = nullptr;
    return block;
  }
  [[noreturn]] static void enter() {
    EmulatedBlock& self = *running();
    Thread& thread = self.threads_[self.current_];
    (*self.body_)(self.current_);
    thread.done = true;
    switch_stack(&thread.stack, self.scheduler_);
    __builtin_unreachable();
  }

  std::vector<Thread> threads_;
  std::unique_ptr<std::byte[]> stacks_;
  void* scheduler_ = nullptr;
  const std::function<void(unsigned)>* body_ = nullptr;
  std::map<std::pair<unsigned, unsigned>, Barrier> waiting_;
  unsigned current_ = 0;
  bool moved_ = false;
};

// A thread of an emulated block; without a block, of a kernel whose threads do not wait.
class EmulatedThread {
 public:
  EmulatedThread(std::size_t block, std::size_t blocks, unsigned index, unsigned count, std::byte* shared,
                 EmulatedBlock* others)
      : block_(block), blocks_(blocks), index_(index), count_(count), shared_(shared), others_(others) {}
  std::size_t block() const { return block_; }
  std::size_t blocks() const { return blocks_; }
  unsigned index() const { return index_; }
  unsigned count() const { return count_; }
  void sync() const { others().wait(0, count_); }
  void sync_lanes(unsigned lanes) const { others().wait(index_ / lanes * lanes, lanes); }
  template <class T>
  T from_lane(T x, unsigned mask, unsigned lanes) const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16);
    std::memcpy(others().slot(index_), &x, sizeof(T));
    sync_lanes(lanes);
    std::memcpy(&x, others().slot(index_ ^ mask), sizeof(T));
    sync_lanes(lanes);
    return x;
  }
  template <class T>
  T* shared() const {
    return reinterpret_cast<T*>(shared_);
  }

 private:
  EmulatedBlock& others() const {
    if (!others_) throw error("emulated device: the kernel's threads wait for each other, but it does not say so");
    return *others_;
  }
  std::size_t block_, blocks_;
  unsigned index_, count_;
  std::byte* shared_;
  EmulatedBlock* others_;
};

// What a device does: it runs kernels one after the other, and records them to run them again.
class EmulatedDevice {
 public:
  using memory = EmulatedMemory;
  static constexpr const char* name = "emulated";
  static constexpr bool is_emulated = true;

  explicit EmulatedDevice(int = 0) {}

  template <class Kernel>
  void launch(const Grid& grid, const Kernel& kernel) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "a kernel is copied to the device as bytes");
    if (recorded_) return recorded_->push_back([grid, kernel] { run(grid, kernel); });
    run(grid, kernel);
  }
  // Copies that take their turn after the kernels before.
  void copy(void* to, const void* from, std::size_t bytes) const {
    if (recorded_) return recorded_->push_back([=] { EmulatedMemory::copy(to, from, bytes); });
    EmulatedMemory::copy(to, from, bytes);
  }
  void wait() const {}

  // Kernels and copies between begin_graph() and end_graph() are recorded, and run when the graph is.
  class Graph {
   public:
    explicit operator bool() const { return !steps_.empty(); }

   private:
    friend class EmulatedDevice;
    std::vector<std::function<void()>> steps_;
  };
  void begin_graph() const { recorded_ = std::make_unique<std::vector<std::function<void()>>>(); }
  Graph end_graph() const {
    Graph graph;
    graph.steps_ = std::move(*recorded_);
    recorded_.reset();
    return graph;
  }
  void run(const Graph& graph) const {
    for (const auto& step : graph.steps_) step();
  }

 private:
  template <class Kernel>
  static void run(const Grid& grid, const Kernel& kernel) {
    const EmulatedPool::Access access;
    std::vector<std::max_align_t> shared(grid.shared_bytes / sizeof(std::max_align_t) + 1);
    auto* const shared_bytes = reinterpret_cast<std::byte*>(shared.data());
    if constexpr (cooperates<Kernel>()) {
      static_assert(Kernel::threads % warp_size == 0);
      EmulatedBlock block(Kernel::threads);
      for (std::size_t b = 0; b < grid.blocks; ++b) {
        // Garbage, as a device has it.
        std::memset(shared_bytes, 0xff, grid.shared_bytes);
        block.run([&](unsigned i) { kernel(EmulatedThread(b, grid.blocks, i, Kernel::threads, shared_bytes, &block)); },
                  descending());
      }
    } else {
      for (std::size_t b = 0; b < grid.blocks; ++b) {
        for (unsigned k = 0; k < Kernel::threads; ++k) {
          const unsigned i = descending() ? Kernel::threads - 1 - k : k;
          kernel(EmulatedThread(b, grid.blocks, i, Kernel::threads, shared_bytes, nullptr));
        }
      }
    }
  }

 public:
  // In which order a block's threads take their turns: results must not depend on it.
  static bool& descending() {
    static bool order = false;
    return order;
  }

 private:
  mutable std::unique_ptr<std::vector<std::function<void()>>> recorded_;
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
