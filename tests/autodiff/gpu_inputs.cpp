// gpu_inputs.cpp - batches on their way to a device: whatever runs first, kernels read the batch that they were started
// for; and a wait that is left out is noticed.
#include "catch.hpp"

#include <vitrail/autodiff/staged_inputs.hpp>

#include <cstddef>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

using Device = vt::cuda::EmulatedDevice;
using Memory = vt::cuda::EmulatedMemory;

constexpr std::size_t count = 40, batches = 7;

// What a step does with its batch.
struct Keep {
  static constexpr unsigned threads = 32;
  const float* samples;
  const int* labels;
  float* to;
  template <class Thread>
  void operator()(const Thread& thread) const {
    for (std::size_t i = thread.index(); i < count; i += threads) to[i] = samples[i] + static_cast<float>(labels[i]);
  }
};

enum class Missing { nothing, kernels_wait, copies_wait, host_waits };

// A device whose user forgets one of the waits.
template <Missing missing>
struct Forgetful {
  struct Event : vt::cuda::EmulatedEvent {
    void wait() const {
      if (missing != Missing::host_waits) vt::cuda::EmulatedEvent::wait();
    }
  };
  struct Stream {
    const vt::cuda::EmulatedStream* stream;
    bool waits;
    void copy(void* to, const void* from, std::size_t bytes) const { stream->copy(to, from, bytes); }
    void record(Event& event) const { stream->record(event); }
    void wait_for(const Event& event) const {
      if (waits) stream->wait_for(event);
    }
  };
  using pinned_memory = Device::pinned_memory;
  Device device;
  Stream kernels() const { return {&device.kernels(), missing != Missing::kernels_wait}; }
  Stream copies() const { return {&device.copies(), missing != Missing::copies_wait}; }
};
template <Missing missing>
struct Backend {
  using memory = Memory;
  using device_type = Forgetful<missing>;
  device_type made;
  const device_type& device() const { return made; }
};

// Does every one of some steps, all queued at once, see its own batch?
template <Missing missing>
bool sees_its_own(bool copies_ahead) {
  const test::CopiesAhead order(copies_ahead);
  const Backend<missing> backend;
  vt::detail::StagedInputs<float, Backend<missing>> inputs;
  inputs.reserve(inputs.bytes_of(count, count));
  vt::Buffer<float, Memory> seen(batches * count);
  for (std::size_t i = 0; i < batches; ++i) {
    std::vector<float> samples(count, static_cast<float>(i));
    std::vector<int> labels(count, static_cast<int>(100 * i));
    inputs.stage(backend, samples.data(), count, labels.data(), count);
    samples.assign(count, -1.0f);  // the caller's again
    const auto at = inputs.next(backend, count);
    backend.device().device.launch({1}, Keep{at.samples, at.labels, seen.data() + i * count});
  }
  std::vector<float> found(seen.size()), expected;
  Memory::copy(found.data(), seen.data(), found.size() * sizeof(float));
  for (std::size_t i = 0; i < batches; ++i) expected.insert(expected.end(), count, static_cast<float>(101 * i));
  return found == expected;
}

}  // namespace

TEST_CASE("steps see their own batches, whether copies or kernels go ahead") {
  CHECK(sees_its_own<Missing::nothing>(false));
  CHECK(sees_its_own<Missing::nothing>(true));
}
TEST_CASE("a wait that is missing shows in one of the two orders") {
  CHECK_FALSE(sees_its_own<Missing::kernels_wait>(false));  // kernels read before the copy is made
  CHECK_FALSE(sees_its_own<Missing::copies_wait>(true));    // the copy is made before kernels have read
  CHECK_FALSE(sees_its_own<Missing::host_waits>(true));     // the host writes before the copy is made
}
TEST_CASE("a batch that is in the device's memory is copied there") {
  for (const bool copies_ahead : {false, true}) {
    const test::CopiesAhead order(copies_ahead);
    using Gpu = test::emulated_gpu::backend;
    const Gpu backend;
    vt::detail::StagedInputs<float, Gpu> inputs;
    inputs.reserve(inputs.bytes_of(count, count));
    vt::Buffer<float, Memory> samples(count), seen(3 * count);
    std::vector<float> expected;
    for (int i = 0; i < 3; ++i) {
      backend.set(samples.data(), 5.0f + static_cast<float>(i));
      const std::vector<int> labels(count, i);
      inputs.stage(backend, samples.data(), count, labels.data(), count);
      const auto at = inputs.next(backend, count);
      backend.device().launch({1}, Keep{at.samples, at.labels, seen.data() + static_cast<std::size_t>(i) * count});
      expected.push_back(5.0f + static_cast<float>(2 * i));
      expected.insert(expected.end(), count - 1, static_cast<float>(i));
    }
    std::vector<float> found(seen.size());
    Memory::copy(found.data(), seen.data(), found.size() * sizeof(float));
    CHECK((found == expected));
  }
}
TEST_CASE("nobody waits for an event that was never recorded") {
  const Device device;
  const Device::Event never;
  never.wait();
  device.kernels().wait_for(never);
  vt::Buffer<float, Memory> at(1);
  vt::Cuda<Device>().set(at.data(), 2.0f);
  CHECK(vt::detail::value_on_host<Memory>(at.data()) == 2.0f);
}
