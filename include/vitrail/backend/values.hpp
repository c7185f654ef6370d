// values.hpp - single values and plain copies in a backend's memory, which the host may or may not be able to read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <type_traits>
#include <vector>

#include "bf16.hpp"
#include "memory.hpp"
#include "rows.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

template <class B>
inline constexpr bool is_host = B::memory::host_readable;

// The device on which memory is allocated from now on in this thread is the backend's, if it has one.
template <class B>
void use_device(const B& backend) {
  if constexpr (requires { backend.device().use(); }) backend.device().use();
}

template <class T>
struct FillValues {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  T* at_;
  T x;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    put<L>(at_, j, L(value(x)));
  }
};
// to = from, or to += from.
template <class From, class To>
struct ConvertValues {
  using value = std::common_type_t<computed<From>, computed<To>>;
  static constexpr bool is_minor = true;
  const From* from;
  To* to;
  bool adds = false;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    put<L>(to, j, get<L>(from, j), adds);
  }
};
template <class B, class T>
void fill_values(const B& backend, T* at, std::size_t size, T x) {
  if constexpr (is_host<B>) {
    std::fill_n(at, size, x);
  } else {
    backend.elementwise(size, FillValues<T>{at, x});
  }
}
// A copy that takes its turn among what the backend was given to do.
template <class B, class T>
void copy_values(const B& backend, T* to, const T* from, std::size_t size) {
  if constexpr (is_host<B>) {
    B::memory::copy(to, from, size * sizeof(T));
  } else {
    backend.copy(to, from, size * sizeof(T));
  }
}
// The values for the host: where they are, or copied into `room` when all that was queued is done.
template <class Memory, class T>
const T* on_host(const T* values, std::size_t size, std::vector<T>& room) {
  if constexpr (Memory::host_readable) {
    return values;
  } else {
    room.resize(size);
    Memory::copy(room.data(), values, size * sizeof(T));
    return room.data();
  }
}
// The same for many, which last as long as this.
template <class Memory, class T>
class HostCopies {
 public:
  const T* of(const T* values, std::size_t size) {
    if constexpr (Memory::host_readable) {
      return values;
    } else {
      return on_host<Memory>(values, size, rooms_.emplace_back());
    }
  }

 private:
  std::deque<std::vector<T>> rooms_;
};
template <class Memory, class T>
T value_on_host(const T* value) {
  T x;
  Memory::copy(&x, value, sizeof(T));
  return x;
}
// A copy in the host's memory.
template <class T, class Memory>
Buffer<T> host_copy(const Buffer<T, Memory>& values) {
  Buffer<T> copy(values.size());
  Memory::copy(copy.data(), values.data(), values.size() * sizeof(T));
  return copy;
}
// Values of the host in Memory: the same ones, or a copy.
template <class Memory, class T>
Buffer<T, Memory> placed_in(Buffer<T> values) {
  if constexpr (std::is_same_v<Memory, HostMemory>) {
    return values;
  } else {
    Buffer<T, Memory> copy(values.size());
    Memory::copy(copy.data(), values.data(), values.size() * sizeof(T));
    return copy;
  }
}
// Calls fill(to) for `size` values of the host, which then go to `to`.
template <class Memory, class T, class Fill>
auto fill_from_host(T* to, std::size_t size, const Fill& fill) {
  if constexpr (Memory::host_readable) {
    return fill(to);
  } else {
    std::vector<T> values(size);
    Memory::copy(values.data(), to, size * sizeof(T));
    const auto result = fill(values.data());
    Memory::copy(to, values.data(), size * sizeof(T));
    return result;
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
