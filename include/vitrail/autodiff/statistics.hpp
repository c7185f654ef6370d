// statistics.hpp - how the running statistics of a model move: a step writes where they will be, and only when it is
// done do they go there.
//
// Forward reads them where they were before the step and writes beside them, so it may run again (recomputation) with
// the same result, and a step that throws leaves them as they were. A step in parts moves them once for each part, as
// PyTorch does: a part reads what the one before wrote.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../backend/values.hpp"

namespace vitrail::inline VITRAIL_TU {

// From where to where the running statistics at [base, base + size) move.
template <class T>
struct StatisticsMove {
  struct Values {
    const T* from;
    T* to;
  };
  const T* base = nullptr;
  std::size_t size = 0;
  const T* from = nullptr;
  T* to = nullptr;

  // Of one of them; nowhere, if it is not of this model or nothing moves.
  Values of(const T* statistic) const {
    const auto at = (reinterpret_cast<std::uintptr_t>(statistic) - reinterpret_cast<std::uintptr_t>(base)) / sizeof(T);
    return to && at < size ? Values{from + at, to + at} : Values{nullptr, nullptr};
  }
};

template <class T, class Memory>
class MovingStatistics {
 public:
  explicit MovingStatistics(std::size_t size) : next_{Buffer<T, Memory>(size), Buffer<T, Memory>(size)} {}

  // The move of a part of a step, of the first if so. What no operation writes stays as it is.
  template <class B>
  StatisticsMove<T> begin(const B& backend, const T* base, bool first) {
    const T* from = first ? base : next_[now_].data();
    now_ = 1 - now_;
    const std::size_t size = next_[now_].size();
    if (size) detail::copy_values(backend, next_[now_].data(), from, size);
    return {base, size, from, next_[now_].data()};
  }
  // Where the last part moved them.
  const T* result() const { return next_[now_].data(); }
  // Which of the two buffers that is.
  std::size_t now() const { return now_; }

 private:
  Buffer<T, Memory> next_[2];
  std::size_t now_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
