// tensor.hpp - Tensor owns one tensor, Batch a run-time number of equal ones, Labels the class numbers that go with a
// batch.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../backend/memory.hpp"
#include "../error.hpp"
#include "view.hpp"

namespace vitrail::inline VITRAIL_TU {

struct cpu;  // nn/policy.hpp

namespace detail {
inline void check_size(const char* what, std::size_t given, std::size_t expected) {
  if (given == expected) return;
  throw shape_error(std::string(what) + ": " + std::to_string(given) + " values given, " + std::to_string(expected) +
                    " expected");
}
// Copies of values in any memory.
template <class Memory, class T>
std::vector<T> vector_of(const T* values, std::size_t size) {
  std::vector<T> copy(size);
  Memory::copy(copy.data(), values, size * sizeof(T));
  return copy;
}
// Every label, `stride` apart, must be a class number, or `ignored`.
inline void check_labels(const char* what, const int* labels, std::size_t count, std::size_t classes, int ignored,
                         std::size_t stride = 1) {
  for (std::size_t b = 0; b < count; ++b) {
    const int label = labels[b * stride];
    if (label == ignored || (label >= 0 && static_cast<std::size_t>(label) < classes)) continue;
    throw shape_error(std::string(what) + ": label " + std::to_string(label) + " of sample " + std::to_string(b) +
                      " is not in [0, " + std::to_string(classes) + ")");
  }
}
}  // namespace detail

// One tensor of shape S in heap memory, 64-byte aligned, zeroed at first. P is a policy (vt::cpu, vt::cpu_double, ...).
// One that was moved from may only be assigned to or destroyed.
template <class S, class P = cpu>
class Tensor {
 public:
  using shape = S;
  using value = typename P::value;
  using memory = typename P::backend::memory;

  using Storage = Buffer<value, memory>;

  Tensor() : values_(std::make_shared<Storage>(S::size)) {}
  // Copies S::size values in row-major order; another number throws shape_error.
  explicit Tensor(std::span<const value> values) : Tensor() {
    detail::check_size("Tensor", values.size(), S::size);
    memory::copy(data(), values.data(), S::size * sizeof(value));
  }
  // Takes over memory of S::size values that nobody else writes to.
  explicit Tensor(std::shared_ptr<Storage> values) : values_(std::move(values)) {}
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;
  Tensor(std::initializer_list<value> values) : Tensor(std::span<const value>(values.begin(), values.size())) {}

  Tensor copy() const { return Tensor(std::make_shared<Storage>(values_->copy())); }
  value* data() { return values_->data(); }
  const value* data() const { return values_->data(); }
  // Shared with expressions that were built from this tensor, so that they outlive it.
  const std::shared_ptr<Storage>& storage() const { return values_; }
  static constexpr std::size_t size() { return S::size; }
  View<S, value> view() { return View<S, value>(data()); }
  View<S, const value> view() const { return View<S, const value>(data()); }
  // In the host's memory.
  template <class... Index>
  value& at(Index... index) {
    static_assert(memory::host_readable, "at: the tensor is in a device's memory; copy it with vt::to<vt::cpu>");
    return view().at(index...);
  }
  template <class... Index>
  const value& at(Index... index) const {
    static_assert(memory::host_readable, "at: the tensor is in a device's memory; copy it with vt::to<vt::cpu>");
    return view().at(index...);
  }
  std::vector<value> to_vector() const { return detail::vector_of<memory>(data(), size()); }
  friend std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
    return out << View<S, const value>(tensor.to_vector().data());
  }

 private:
  std::shared_ptr<Storage> values_;
};

// A batch of one policy serves a step of another if their values and memory are the same: tuning does not matter.
template <class Q, class P>
concept SameMemoryAs = std::is_same_v<typename Q::value, typename P::value> &&
    std::is_same_v<typename Q::backend::memory, typename P::backend::memory>;

// And one of the host's memory serves a step of any: it is copied there.
template <class Q, class P>
concept StepBatchFor = SameMemoryAs<Q, P> ||
    (std::is_same_v<typename Q::value, typename P::value>&& Q::backend::memory::host_readable);

// A run-time number of tensors of shape S. What data gives, and what `predict` and steps take. One that was moved from
// is empty.
template <class S, class P = cpu>
class Batch {
 public:
  using shape = S;
  using value = typename P::value;
  using memory = typename P::backend::memory;

  using Storage = Buffer<value, memory>;

  Batch() = default;
  explicit Batch(std::size_t count) { resize(count); }
  // Takes over memory of count * S::size values that nobody else writes to.
  Batch(std::shared_ptr<Storage> values, std::size_t count) : values_(std::move(values)), count_(count) {}
  Batch(Batch&& other) noexcept : values_(std::move(other.values_)), count_(std::exchange(other.count_, 0)) {}
  Batch& operator=(Batch&& other) noexcept {
    values_ = std::move(other.values_);
    count_ = std::exchange(other.count_, 0);
    return *this;
  }
  // Copies count * S::size values; a number that is no multiple of S::size throws shape_error.
  explicit Batch(std::span<const value> values) : Batch(values.size() / S::size) {
    static_assert(S::size > 0, "Batch: a shape without elements does not tell the number of samples");
    detail::check_size("Batch", values.size(), size());
    memory::copy(data(), values.data(), size() * sizeof(value));
  }

  // Changes the number of samples. Values are kept only when no more memory is needed than ever before. Throws
  // shape_error if the number of values overflows.
  void resize(std::size_t count) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / (S::size ? S::size : 1);
    if (count > most) {
      throw shape_error("Batch: expected at most " + std::to_string(most) + " samples, found " + std::to_string(count));
    }
    if (!values_ || count * S::size > values_->size()) values_ = std::make_shared<Storage>(count * S::size);
    count_ = count;
  }
  std::size_t count() const { return count_; }
  std::size_t size() const { return count_ * S::size; }
  value* data() { return values_ ? values_->data() : nullptr; }
  const value* data() const { return values_ ? values_->data() : nullptr; }
  // Shared with expressions that were built from this batch, so that they outlive it.
  const std::shared_ptr<Storage>& storage() const { return values_; }
  // Sample b, which must be below count().
  View<S, value> operator[](std::size_t b) { return View<S, value>(data() + b * S::size); }
  View<S, const value> operator[](std::size_t b) const { return View<S, const value>(data() + b * S::size); }
  BatchView<S, const value> view() const { return {data(), count_}; }
  std::vector<value> to_vector() const { return detail::vector_of<memory>(data(), size()); }

 private:
  std::shared_ptr<Storage> values_;  // null: no samples yet
  std::size_t count_ = 0;
};

// One class number per sample. An index must be below count().
class Labels {
 public:
  Labels() = default;
  explicit Labels(std::span<const int> labels) : labels_(labels.begin(), labels.end()) {}
  Labels(std::initializer_list<int> labels) : labels_(labels) {}
  void resize(std::size_t count) { labels_.resize(count); }
  std::size_t count() const { return labels_.size(); }
  int* data() { return labels_.data(); }
  const int* data() const { return labels_.data(); }
  int operator[](std::size_t b) const { return labels_[b]; }

 private:
  std::vector<int> labels_;
};

}  // namespace vitrail::inline VITRAIL_TU
