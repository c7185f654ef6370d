// fixed_vector.hpp - a vector without a heap, for constants: clang rejects std::vector there, and this one is cheaper
// to evaluate.
#pragma once

#include <cstddef>
#include <string>

#include "../config.hpp"
#include "../error.hpp"

namespace vitrail::inline VITRAIL_TU {

// Holds up to Capacity items. Going beyond it throws, which in a constant is a compile error with this text.
template <class T, std::size_t Capacity>
struct FixedVector {
  T items[Capacity ? Capacity : 1] = {};  // not std::array: every access would cost constants twice the steps
  std::size_t count = 0;

  constexpr T& push_back(const T& item) {
    if (count == Capacity) throw error("FixedVector: more items than its capacity of " + std::to_string(Capacity));
    return items[count++] = item;
  }
  constexpr void insert(std::size_t at, const T& item) {
    push_back(item);
    for (std::size_t i = count - 1; i > at; --i) items[i] = items[i - 1];
    items[at] = item;
  }
  constexpr void erase(std::size_t at) {
    for (std::size_t i = at; i + 1 < count; ++i) items[i] = items[i + 1];
    --count;
  }
  constexpr T& operator[](std::size_t i) { return items[i]; }
  constexpr const T& operator[](std::size_t i) const { return items[i]; }
  constexpr T* begin() { return items; }
  constexpr T* end() { return items + count; }
  constexpr const T* begin() const { return items; }
  constexpr const T* end() const { return items + count; }
  constexpr std::size_t size() const { return count; }
  constexpr bool empty() const { return count == 0; }
};

}  // namespace vitrail::inline VITRAIL_TU
