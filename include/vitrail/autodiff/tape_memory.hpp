// tape_memory.hpp - where a tape's values and gradients lie: in one arena as planned, or each in memory of its own.
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>
#include <vector>

#include "../backend/values.hpp"
#include "driver.hpp"
#include "plan.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class P>
class TapeMemory {
 public:
  using value = typename P::value;
  using Backend = typename P::backend;
  using Memory = typename Backend::memory;
  using stored = stored_of<P>;
  // Of values that lie as `value` or, of samples, as `stored`.
  using Address = std::conditional_t<is_mixed<P>, void*, value*>;

  // Without a plan, for the retaining tape.
  explicit TapeMemory(const Backend& backend) : backend_(&backend) {}
  TapeMemory(const Backend& backend, const Plan& plan) : backend_(&backend), plan_(&plan) {}

  // The flat gradients of a model: that of parameter `slot` starts at gradients + offsets[slot].
  void set_parameters(std::size_t parameters, value* gradients, const std::size_t* offsets) {
    parameters_ = parameters;
    parameter_gradients_ = gradients;
    parameter_offsets_ = offsets;
  }
  std::size_t parameters() const { return parameters_; }
  std::size_t parameter_offset(std::size_t slot) const { return parameter_offsets_[slot]; }
  std::size_t count() const { return count_; }
  std::size_t arena_bytes() const { return arena_.size() * sizeof(value); }
  // Were there as many samples before?
  bool has_room(std::size_t samples) const { return samples <= capacity_; }

  // For a step of `samples` samples. Returns whether the arena is new: there were never as many.
  bool begin(std::size_t samples) {
    count_ = samples;
    if (!plan_) {
      kept_.clear();
      kept_gradients_.assign(parameters_, {nullptr, 0, false});
      return false;
    }
    if (has_room(samples)) return false;
    capacity_ = 0;  // should memory run out below
    arena_ = {};
    const ArenaBytes& bytes = plan_->arena;
    if (bytes.batched && samples > (std::numeric_limits<std::size_t>::max() - bytes.fixed) / bytes.batched) {
      throw std::bad_alloc();
    }
    arena_ = Buffer<value, Memory>(bytes.of(samples) / sizeof(value));
    base_ = arena_.data();
    capacity_ = samples;
    return true;
  }

  Address at(const Place& place) const {
    if (!place.bytes) return nullptr;
    const std::size_t offset = place.batched ? plan_->arena.fixed + place.offset * count_ : place.offset;
    return base_ + offset / sizeof(value);
  }
  WorkRoom<value> at(const PlacePair& pair) const {
    return {static_cast<value*>(at(pair.per_sample)), static_cast<value*>(at(pair.fixed))};
  }
  Address gradient_at(int id) const {
    const auto v = static_cast<std::size_t>(id);
    if (v < parameters_) return parameter_gradients_ + parameter_offsets_[v];
    if (!plan_) return kept_gradients_[v].data;
    return at(plan_->gradient[static_cast<std::size_t>(plan_->gradient_of[v])]);
  }

  // Memory that lives as long as the retaining tape's step.
  value* retain(std::size_t elements) {
    if (elements == 0) return nullptr;
    return kept_.emplace_back(elements).data();
  }
  // The same for a value of samples, or of the whole batch.
  Address retain(std::size_t elements, bool batched) {
    return retain((elements * (batched ? sizeof(stored) : sizeof(value)) + sizeof(value) - 1) / sizeof(value));
  }
  // The next value has a gradient of so many elements; none, if 0. On the retaining tape.
  void retain_gradient(std::size_t elements, bool batched) {
    kept_gradients_.push_back({retain(elements, batched), elements, batched});
  }
  void zero_retained_gradients() {
    for (const auto& g : kept_gradients_) fill(g.data, g.size, g.batched, value(0));
  }

  // Fills memory that is about to be written with NaN, so that an operation that misses some of it shows. For tests.
  void set_poison(bool on) { poison_ = on; }
  bool poisons() const { return poison_; }
  [[gnu::noinline]] void poison(Address data, std::size_t size, bool batched) const {
    if (poison_ && data) fill(data, size, batched, std::numeric_limits<value>::quiet_NaN());
  }
  void poison(const WorkRoom<value>& room, const Space& space, std::size_t count) const {
    poison(room.per_sample, space.per_sample * count, false);
    poison(room.fixed, space.fixed, false);
  }

 private:
  struct KeptGradient {
    Address data;
    std::size_t size;
    bool batched;
  };
  void fill(Address data, std::size_t size, bool batched, value x) const {
    if (is_mixed<P> && batched) {
      detail::fill_values(*backend_, static_cast<stored*>(data), size, stored(x));
    } else {
      detail::fill_values(*backend_, static_cast<value*>(data), size, x);
    }
  }
  const Backend* backend_;
  const Plan* plan_ = nullptr;
  std::size_t count_ = 0, capacity_ = 0, parameters_ = 0;
  bool poison_ = false;
  value* parameter_gradients_ = nullptr;
  const std::size_t* parameter_offsets_ = nullptr;
  Buffer<value, Memory> arena_;  // the fixed region, then the batched one
  value* base_ = nullptr;        // of the arena
  std::vector<Buffer<value, Memory>> kept_;
  std::vector<KeptGradient> kept_gradients_;
};

}  // namespace vitrail::inline VITRAIL_TU
