// staged_inputs.hpp - how a batch of the host gets to a device while it is busy with another: through one of two
// buffers in pinned memory and a stream for copies, into one of two buffers of the device.
//
// Nobody waits but where buffers would be overwritten or read too early:
//   kernels, for the copy of their batch;
//   the copy, for the kernels that read the same buffer two batches ago;
//   the host, before it writes to a pinned buffer, for the copy out of it two batches ago.
#pragma once

#include <cstddef>
#include <cstring>

#include "../backend/values.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

template <class T, class Backend, bool Host = is_host<Backend>>
class StagedInputs {
 public:
  using Memory = typename Backend::memory;
  using Device = typename Backend::device_type;
  struct At {
    const T* samples;
    const int* labels;
  };

  static constexpr std::size_t buffers = 2;
  // Bytes of one buffer: `values` samples' values, then labels.
  static constexpr std::size_t bytes_of(std::size_t values, std::size_t labels) {
    return Memory::round_up(values * sizeof(T)) + labels * sizeof(int);
  }
  // What the buffers take of the device's memory.
  std::size_t bytes() const { return buffers * capacity_; }
  // Makes room for so many bytes in each buffer; what lay in them is lost.
  void reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    capacity_ = 0;  // should memory run out below
    for (Slot& slot : slots_) slot.device = {}, slot.pinned = {};
    for (Slot& slot : slots_) {
      slot.device = Buffer<std::byte, Memory>(bytes);
      slot.pinned = Buffer<std::byte, typename Device::pinned_memory>(bytes);
    }
    capacity_ = bytes;
  }
  bool has_room(std::size_t bytes) const { return bytes <= capacity_; }
  // Begins to copy the batch that next() will give; for which there must be room. The caller may change his afterwards.
  // Samples may be in the device's memory; then they are read after the kernels before.
  void stage(const Backend& backend, const T* samples, std::size_t values, const int* labels, std::size_t count) {
    const Device& device = backend.device();
    Slot& slot = slots_[1 - now_];
    const std::size_t labels_at = Memory::round_up(values * sizeof(T));
    std::size_t begin = 0;
    slot.copied.wait();
    if (Memory::holds(samples)) {
      device.kernels().copy(slot.device.data(), samples, values * sizeof(T));
      begin = labels_at;
    } else {
      std::memcpy(slot.pinned.data(), samples, values * sizeof(T));
    }
    if (count) std::memcpy(slot.pinned.data() + labels_at, labels, count * sizeof(int));
    device.copies().wait_for(slot.used);
    device.copies().copy(slot.device.data() + begin, slot.pinned.data() + begin, bytes_of(values, count) - begin);
    device.copies().record(slot.copied);
  }
  // Where the kernels that are started from now on, to the next call, find the batch staged last, of so many values.
  At next(const Backend& backend, std::size_t values) {
    backend.device().kernels().record(slots_[now_].used);
    now_ = 1 - now_;
    const Slot& slot = slots_[now_];
    backend.device().kernels().wait_for(slot.copied);
    return {reinterpret_cast<const T*>(slot.device.data()),
            reinterpret_cast<const int*>(slot.device.data() + Memory::round_up(values * sizeof(T)))};
  }
  // Which of the two buffers it was.
  std::size_t now() const { return now_; }

 private:
  struct Slot {
    Buffer<std::byte, Memory> device;
    Buffer<std::byte, typename Device::pinned_memory> pinned;
    typename Device::Event copied, used;
  };
  Slot slots_[buffers];
  std::size_t now_ = 0, capacity_ = 0;
};
// Operations of a host read the batch where it is.
template <class T, class Backend>
class StagedInputs<T, Backend, true> {
 public:
  struct At {
    const T* samples;
    const int* labels;
  };
  static constexpr std::size_t buffers = 0;
  static constexpr std::size_t bytes_of(std::size_t, std::size_t) { return 0; }
  std::size_t bytes() const { return 0; }
  void reserve(std::size_t) {}
  bool has_room(std::size_t) const { return true; }
  void stage(const Backend&, const T* samples, std::size_t, const int* labels, std::size_t) { at_ = {samples, labels}; }
  At next(const Backend&, std::size_t) const { return at_; }
  std::size_t now() const { return 0; }

 private:
  At at_{};
};

}  // namespace vitrail::inline VITRAIL_TU::detail
