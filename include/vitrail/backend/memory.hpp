// memory.hpp - aligned memory of a backend. Everything that owns values owns a Buffer.
#pragma once

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// Memory that the host reads and writes. 64 bytes: a cache line and the widest vector, whatever the flags of the user's
// build are (Eigen's alignment follows them, which has crashed programs of mixed flags).
struct HostMemory {
  static constexpr bool host_readable = true;
  static constexpr std::size_t alignment = 64;
  static constexpr std::size_t round_up(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

  // At least one byte, zeroed. Throws std::bad_alloc.
  static void* allocate(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::size_t>::max() - alignment) throw std::bad_alloc();
    const std::size_t rounded = round_up(bytes + (bytes == 0));
    void* memory = std::aligned_alloc(alignment, rounded);
    if (!memory) throw std::bad_alloc();
    return std::memset(memory, 0, rounded);
  }
  static void release(void* memory) noexcept { std::free(memory); }
  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes) std::memcpy(to, from, bytes);
  }
  // The values there are needed no more, but the addresses stay: whole pages go back to the system. What is read there
  // afterwards is unspecified.
  static void discard(void* memory, std::size_t bytes) {
#ifdef __linux__
    static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
    const auto end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
    // Fails only where nothing is lost by it (locked memory, say).
    if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
#else
    (void)memory, (void)bytes;
#endif
  }
};

// Owns `size` values, zeroed at first. Move only: a copy of a model's memory is always asked for by name. Throws
// std::bad_alloc; one that was moved from has no values.
template <class T, class Memory = HostMemory>
class Buffer {
 public:
  using memory = Memory;
  Buffer() = default;
  explicit Buffer(std::size_t size) : values_(static_cast<T*>(Memory::allocate(bytes_of(size)))), size_(size) {}
  Buffer(Buffer&& other) noexcept : values_(std::move(other.values_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    values_ = std::move(other.values_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  T* data() { return values_.get(); }
  const T* data() const { return values_.get(); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return values_.get()[i]; }
  const T& operator[](std::size_t i) const { return values_.get()[i]; }

  Buffer copy() const {
    Buffer other(size_);
    Memory::copy(other.data(), data(), size_ * sizeof(T));
    return other;
  }

 private:
  static std::size_t bytes_of(std::size_t size) {
    if (size > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
    return size * sizeof(T);
  }
  struct Release {
    void operator()(T* values) const noexcept { Memory::release(values); }
  };
  std::unique_ptr<T, Release> values_;
  std::size_t size_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
