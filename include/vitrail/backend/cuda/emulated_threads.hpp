// emulated_threads.hpp - the threads of an emulated device's block: fibers of the host, which take turns at barriers
// and shuffles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../error.hpp"
#include "thread.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

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
      thread.stack = static_cast<void*>(top - 6);
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
  static constexpr std::size_t slot_bytes = 32;
  std::byte* slot(unsigned index) { return threads_[index].slot; }

 private:
  static constexpr std::size_t stack_bytes = 64 * 1024;
  struct Thread {
    void* stack = nullptr;
    bool done = false;
    alignas(16) std::byte slot[slot_bytes];
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
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= EmulatedBlock::slot_bytes);
    std::memcpy(others().slot(index_), &x, sizeof(T));
    sync_lanes(lanes);
    std::memcpy(&x, others().slot(index_ ^ mask), sizeof(T));
    sync_lanes(lanes);
    return x;
  }
  // Calls f(of_lane), where of_lane(i) is what lane i of the warp has given as x.
  template <class T, class F>
  void share(const T& x, const F& f) const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= EmulatedBlock::slot_bytes);
    const unsigned first = index_ / warp_size * warp_size;
    std::memcpy(others().slot(index_), static_cast<const void*>(&x), sizeof(T));
    sync_lanes(warp_size);
    f([&](unsigned lane) {
      T y;
      std::memcpy(static_cast<void*>(&y), others().slot(first + lane), sizeof(T));
      return y;
    });
    sync_lanes(warp_size);
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

}  // namespace vitrail::inline VITRAIL_TU::cuda
