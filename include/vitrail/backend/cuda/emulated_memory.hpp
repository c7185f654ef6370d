// emulated_memory.hpp - the memory of an emulated device, whose pages the host cannot touch by mistake.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <string>

#include "../../error.hpp"
#include "../memory.hpp"
#include "../planned_memory.hpp"

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
    if (bytes > total_ - used_) {
      throw error("emulated device: no memory for " + std::to_string(bytes) +
                  " bytes: " + std::to_string(total_ - used_) + " of " + std::to_string(total_) + " are free");
    }
    // Between two blocks stays a gap, so that what runs over the end of one does not look like another's.
    const std::size_t size = HostMemory::round_up(bytes + 1) + HostMemory::alignment;
    for (auto at = free_.begin(); at != free_.end(); ++at) {
      if (at->second < size) continue;
      void* memory = base_ + at->first;
      if (at->second > size) free_.emplace(at->first + size, at->second - size);
      taken_[at->first] = {size, bytes};
      used_ += bytes;
      free_.erase(at);
      return std::memset(memory, 0, bytes);
    }
    if (size > capacity - end_) throw std::bad_alloc();
    taken_[end_] = {size, bytes};
    used_ += bytes;
    void* memory = base_ + end_;
    end_ += size;
    protect(PROT_READ | PROT_WRITE);
    return std::memset(memory, 0, bytes);
  }
  void release(void* memory) noexcept {
    if (!memory) return;
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(static_cast<std::size_t>(static_cast<std::byte*>(memory) - base_));
    free_.emplace(found->first, found->second.size);
    used_ -= found->second.bytes;
    taken_.erase(found);
    if (taken_.empty()) free_.clear(), end_ = 0;
  }

  static void copy(void* to, const void* from, std::size_t bytes) {
    const Access access;
    HostMemory::copy(to, from, bytes);
  }
  bool holds(const void* p) const { return p >= base_ && p < base_ + capacity; }
  MemoryBytes bytes() const { return {total_ - used_, total_}; }
  // How much memory the device has from now on, no less than is in use.
  void set_total(std::size_t bytes) { total_ = bytes; }

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
  std::size_t end_ = 0, users_ = 0, total_ = capacity, used_ = 0;
  struct Taken {
    std::size_t size, bytes;  // with the gap, and as asked for
  };
  std::map<std::size_t, std::size_t> free_;  // offset and size
  std::map<std::size_t, Taken> taken_;       // by offset
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
