// emulation.hpp - a device that is not there: kernels run on the host, thread by thread, so that their logic can be
// tested where there is no GPU, under sanitizers too.
//
// What it finds: results that are wrong, threads that wait at different barriers, results that depend on the order of a
// block's threads or of streams (run twice, in two orders), and host code that reads or writes the device's memory (it
// crashes: the pages are protected). What it does not: kernels that read the host's memory, races between blocks,
// barriers between warps that exchange fragments (tensor_tile.hpp) anyway, speed, bank conflicts, more shared memory or
// registers than there are.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "emulated_streams.hpp"
#include "emulated_threads.hpp"

namespace vitrail::inline VITRAIL_TU::cuda {

// What a device does: it runs kernels one after the other, beside them copies, and records kernels to run them again.
class EmulatedDevice {
 public:
  using memory = EmulatedMemory;
  using pinned_memory = EmulatedPinnedMemory;
  using Event = EmulatedEvent;
  static constexpr const char* name = "emulated";

  explicit EmulatedDevice(int = 0)
      : kernels_(std::make_unique<EmulatedStream>(false)), copies_(std::make_unique<EmulatedStream>(true)) {}
  int number() const { return 0; }
  const EmulatedStream& kernels() const { return *kernels_; }
  const EmulatedStream& copies() const { return *copies_; }

  template <class Kernel>
  void launch(const Grid& grid, const Kernel& kernel) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "a kernel is copied to the device as bytes");
    start([grid, kernel] { run(grid, kernel); });
  }
  // Copies that take their turn after the kernels before. As CUDA does, those from the host's memory read it at once.
  void copy(void* to, const void* from, std::size_t bytes) const {
    if (EmulatedMemory::holds(from)) return start([=] { EmulatedPool::copy(to, from, bytes); });
    const auto* const first = static_cast<const std::byte*>(from);
    start([to, values = std::vector<std::byte>(first, first + bytes)] {
      EmulatedPool::copy(to, values.data(), values.size());
    });
  }
  void wait() const { EmulatedStreams::get().finish(); }

  // Kernels and copies between begin_graph() and end_graph() are recorded, and run when the graph is.
  class Graph {
   public:
    explicit operator bool() const { return !steps_.empty(); }

   private:
    friend class EmulatedDevice;
    std::vector<std::function<void()>> steps_;
  };
  void begin_graph() const { recorded_ = std::make_unique<std::vector<std::function<void()>>>(); }
  Graph end_graph() const {
    Graph graph;
    graph.steps_ = std::move(*recorded_);
    recorded_.reset();
    return graph;
  }
  // Forgets what was recorded since begin_graph().
  void cancel_graph() const noexcept { recorded_.reset(); }
  void run(const Graph& graph) const {
    for (const auto& step : graph.steps_) kernels_->push(step);
  }

  // In which order a block's threads take their turns: results must not depend on it.
  static bool& descending() {
    static bool order = false;
    return order;
  }

 private:
  void start(std::function<void()> work) const {
    if (recorded_) return recorded_->push_back(std::move(work));
    kernels_->push(std::move(work));
  }
  template <class Kernel>
  static void run(const Grid& grid, const Kernel& kernel) {
    const EmulatedPool::Access access;
    std::vector<std::max_align_t> shared(grid.shared_bytes / sizeof(std::max_align_t) + 1);
    auto* const shared_bytes = reinterpret_cast<std::byte*>(shared.data());
    if constexpr (cooperates<Kernel>()) {
      static_assert(Kernel::threads % warp_size == 0);
      EmulatedBlock block(Kernel::threads);
      for (std::size_t b = 0; b < grid.blocks; ++b) {
        // Garbage, as a device has it.
        std::memset(shared_bytes, 0xff, grid.shared_bytes);
        block.run([&](unsigned i) { kernel(EmulatedThread(b, grid.blocks, i, Kernel::threads, shared_bytes, &block)); },
                  descending());
      }
    } else {
      for (std::size_t b = 0; b < grid.blocks; ++b) {
        for (unsigned k = 0; k < Kernel::threads; ++k) {
          const unsigned i = descending() ? Kernel::threads - 1 - k : k;
          kernel(EmulatedThread(b, grid.blocks, i, Kernel::threads, shared_bytes, nullptr));
        }
      }
    }
  }

  std::unique_ptr<EmulatedStream> kernels_, copies_;
  mutable std::unique_ptr<std::vector<std::function<void()>>> recorded_;
};

}  // namespace vitrail::inline VITRAIL_TU::cuda
