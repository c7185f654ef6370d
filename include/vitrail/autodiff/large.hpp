// large.hpp - objects on the heap, in constants too.
#pragma once

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// An object that is too large for a stack frame, also in constants; std::unique_ptr is none in C++20.
template <class T>
class Large {
 public:
  template <class... A>
  constexpr explicit Large(A&... arguments) : object_(new T{arguments...}) {}
  constexpr ~Large() { delete object_; }
  Large(const Large&) = delete;
  Large& operator=(const Large&) = delete;
  constexpr T& operator*() const { return *object_; }
  constexpr T* operator->() const { return object_; }

 private:
  T* object_;
};

}  // namespace vitrail::inline VITRAIL_TU::detail
