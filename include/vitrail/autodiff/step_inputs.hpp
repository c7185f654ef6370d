// step_inputs.hpp - what a step draws from, and how labels get to where operations read them and results to where the
// caller does: nothing to do where the host shares the backend's memory, copies where it does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <type_traits>
#include <vector>

#include "../backend/philox.hpp"
#include "../backend/values.hpp"
#include "../tensor/view.hpp"
#include "stored.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// A copy of the host's values in the backend's memory, in the same place while it gets no larger.
template <class T, class Backend>
class Placed {
 public:
  // Of `size` values of the host's memory, or, without a copy, of a backend that reads it.
  const T* place(const Backend& backend, const T* values, std::size_t size) {
    if constexpr (is_host<Backend>) {
      return values;
    } else {
      if (copy_.size() < size) {
        copy_ = {};  // never both
        copy_ = Buffer<T, typename Backend::memory>(size);
      }
      copy_values(backend, copy_.data(), values, size);
      return copy_.data();
    }
  }

 private:
  Buffer<T, typename Backend::memory> copy_;
};

// The samples of a step as operations read them: where they are, or rounded to what values of samples are stored as.
template <class P>
class StoredSamples {
 public:
  using value = typename P::value;
  using stored = stored_of<P>;
  static constexpr std::size_t bytes_of(std::size_t size) { return is_mixed<P> ? size * sizeof(stored) : 0; }
  std::size_t bytes() const { return bytes_of(copy_.size()); }
  void reserve(std::size_t size) {
    if (!is_mixed<P> || size <= copy_.size()) return;
    copy_ = {};  // never both
    copy_ = Buffer<stored, typename P::backend::memory>(size);
  }
  const stored* of(const typename P::backend& backend, const value* samples, std::size_t size) {
    if constexpr (is_mixed<P>) {
      backend.elementwise(size, ConvertValues<value, stored>{samples, copy_.data()});
      return copy_.data();
    } else {
      return samples;
    }
  }

 private:
  Buffer<stored, typename P::backend::memory> copy_;
};

// What a step draws from. On a device its number lies in a variable, so that a recorded step draws anew every time.
template <class Backend>
class StepRandom {
 public:
  RandomStream stream(const Backend& backend, std::uint64_t seed, std::uint64_t steps) {
    const auto step = static_cast<std::uint32_t>(steps);
    if constexpr (is_host<Backend>) {
      return {seed, step, 0};
    } else {
      if (!step_.size()) step_ = Buffer<std::uint32_t, typename Backend::memory>(1);
      backend.set(step_.data(), step);
      return {seed, 0, 0, step_.data()};
    }
  }

 private:
  Buffer<std::uint32_t, typename Backend::memory> step_;
};

// Results for the caller, until the next step.
template <class T, class Memory>
class StepResults {
 public:
  void begin() { next_ = 0; }
  // A number if it is one for the whole batch, else a view of the batch.
  template <class V>
  auto of(const V& v, std::size_t count) {
    using X = typename V::stored;
    if constexpr (!V::batched && V::shape::size == 1) {
      return value_on_host<Memory>(v.data);
    } else {
      const std::size_t samples = V::batched ? count : 1, size = samples * V::shape::size;
      if constexpr (std::is_same_v<X, T> && Memory::host_readable) {
        return BatchView<typename V::shape, const T>(v.data, samples);
      } else {
        if (next_ == copies_.size()) copies_.emplace_back();
        std::vector<T>& copy = copies_[next_++];
        if constexpr (std::is_same_v<X, T>) {
          (void)on_host<Memory>(v.data, size, copy);
        } else {
          std::vector<X> room;
          const X* values = on_host<Memory>(v.data, size, room);
          copy.assign(values, values + size);
        }
        return BatchView<typename V::shape, const T>(copy.data(), samples);
      }
    }
  }

 private:
  std::deque<std::vector<T>> copies_;
  std::size_t next_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU::detail
