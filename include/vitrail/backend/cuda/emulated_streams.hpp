// emulated_streams.hpp - streams of an emulated device and events between them. What a stream is given waits in a queue
// and runs as early or as late as a device might run it, so that a missing wait shows.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "../../error.hpp"
#include "emulated_memory.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

class EmulatedStream;

// All streams, in one of two orders that a device may follow. Kernels go ahead: they run when they are started, a copy
// beside them only when an event behind it is waited for. Copies go ahead: they are made as soon as they may be,
// kernels run only when the host waits.
class EmulatedStreams {
 public:
  static EmulatedStreams& get() {
    static EmulatedStreams streams;
    return streams;
  }
  // Runs all that is queued, as does a call of CUDA that waits for the device.
  void finish();

  bool copies_ahead = false;

 private:
  friend class EmulatedStream;
  friend class EmulatedEvent;
  void run_until(const bool& done);
  std::recursive_mutex mutex_;
  std::vector<EmulatedStream*> all_;
};

// Whether all that a stream was given before the event was last recorded is done.
class EmulatedEvent {
 public:
  // The host waits; not if it was never recorded.
  void wait() const {
    auto& streams = EmulatedStreams::get();
    const std::lock_guard lock(streams.mutex_);
    if (done_) streams.run_until(*done_);
  }

 private:
  friend class EmulatedStream;
  std::shared_ptr<bool> done_;
};

class EmulatedStream {
 public:
  explicit EmulatedStream(bool copies) : copies_(copies) {
    const std::lock_guard lock(streams().mutex_);
    streams().all_.push_back(this);
  }
  ~EmulatedStream() {
    const std::lock_guard lock(streams().mutex_);
    try {
      streams().finish();
    } catch (const error&) {  // NOLINT(bugprone-empty-catch): who waits for a device hears of it, not who destroys it
    }
    std::erase(streams().all_, this);
  }
  EmulatedStream(const EmulatedStream&) = delete;
  EmulatedStream& operator=(const EmulatedStream&) = delete;

  void push(std::function<void()> work) const { push({nullptr, std::move(work)}); }
  void copy(void* to, const void* from, std::size_t bytes) const {
    push([=] { EmulatedPool::copy(to, from, bytes); });
  }
  void record(EmulatedEvent& event) const {
    auto done = std::make_shared<bool>(false);
    event.done_ = done;
    push({nullptr, [done] { *done = true; }});
  }
  void wait_for(const EmulatedEvent& event) const {
    if (event.done_) push({event.done_, [] {}});
  }

 private:
  friend class EmulatedStreams;
  struct Work {
    std::shared_ptr<bool> needs;  // done before this may run
    std::function<void()> run;
  };
  static EmulatedStreams& streams() { return EmulatedStreams::get(); }
  void push(Work work) const {
    const std::lock_guard lock(streams().mutex_);
    queue_.push_back(std::move(work));
    if (copies_ != streams().copies_ahead) return;
    if (copies_) {
      while (advance()) continue;
    } else {
      while (!queue_.empty()) {
        if (!advance()) streams().run_until(*queue_.front().needs);
      }
    }
  }
  // Runs the next piece of work; false if there is none or it may not run yet.
  bool advance() const {
    if (queue_.empty() || (queue_.front().needs && !*queue_.front().needs)) return false;
    const Work work = std::move(queue_.front());
    queue_.pop_front();
    work.run();
    return true;
  }
  bool copies_;
  mutable std::deque<Work> queue_;
};

inline void EmulatedStreams::run_until(const bool& done) {
  while (!done) {
    bool moved = false;
    for (std::size_t i = 0; i < all_.size() && !done; ++i) moved = all_[i]->advance() || moved;
    if (!moved && !done) throw error("emulated device: streams wait for each other");
  }
}
inline void EmulatedStreams::finish() {
  const std::lock_guard lock(mutex_);
  for (bool moved = true; moved;) {
    moved = false;
    for (const EmulatedStream* stream : all_) moved = stream->advance() || moved;
  }
}

// Memory of the device, and memory of the host from which copies are made beside kernels: taking it, giving it back and
// copies that no stream makes wait for all that is queued.
struct EmulatedMemory {
  static constexpr bool host_readable = false;
  static constexpr std::size_t alignment = HostMemory::alignment;
  static constexpr std::size_t round_up(std::size_t bytes) { return HostMemory::round_up(bytes); }
  static void* allocate(std::size_t bytes) {
    return EmulatedStreams::get().finish(), EmulatedPool::get().allocate(bytes);
  }
  static void release(void* memory) noexcept {
    EmulatedStreams::get().finish();
    EmulatedPool::get().release(memory);
  }
  static MemoryBytes bytes() { return EmulatedPool::get().bytes(); }
  static bool holds(const void* p) { return EmulatedPool::get().holds(p); }
  static void copy(void* to, const void* from, std::size_t bytes) {
    EmulatedStreams::get().finish();
    EmulatedPool::copy(to, from, bytes);
  }
};
struct EmulatedPinnedMemory : HostMemory {
  static void release(void* memory) noexcept {
    EmulatedStreams::get().finish();
    HostMemory::release(memory);
  }
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
