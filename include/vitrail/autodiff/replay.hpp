// replay.hpp - work that is queued on a device the same way in every step: recorded as a graph the second time, and
// from then on started with one call.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace vitrail::inline VITRAIL_TU::detail {

template <class B>
concept RecordsGraphs = requires(const B& b) {
  b.device().begin_graph();
};

// What must be equal for a recording to serve again: the number of samples, and which of two sets of buffers is used.
struct ReplayKey {
  std::size_t count, buffers;
  friend auto operator<=>(const ReplayKey&, const ReplayKey&) = default;
};

// Out: what the callable returns, Vars whose addresses stay. Addresses that the work reads and writes must be the same
// every time, until clear().
template <class B, class Out>
class Replay {
 public:
  void clear() { recordings_.clear(); }
  // Where the model's frozen values are now: recordings of other places are of no use.
  void on(const void* values) {
    if (values != values_) clear();
    values_ = values;
  }
  // Is there a recording for this key?
  bool has(const ReplayKey& key) const {
    const auto found = recordings_.find(key);
    return found != recordings_.end() && found->second.graph;
  }
  // The first time runs f at once (plans and workspaces come into being), the second records it.
  template <class F>
  Out run(const B& backend, const ReplayKey& key, const F& f) {
    const auto found = recordings_.find(key);
    if (found == recordings_.end()) {
      Out out = f();
      recordings_.emplace(key, Recording{});
      return out;
    }
    Recording& recording = found->second;
    if (!recording.graph) {
      backend.device().begin_graph();
      try {
        recording.out.emplace(f());
      } catch (...) {
        (void)backend.device().end_graph();  // half of the work: not kept
        throw;
      }
      recording.graph = backend.device().end_graph();
    }
    backend.device().run(recording.graph);
    return *recording.out;
  }

 private:
  using Graph = decltype(std::declval<const B&>().device().end_graph());
  struct Recording {
    Graph graph{};
    std::optional<Out> out{};
  };
  std::map<ReplayKey, Recording> recordings_;
  const void* values_ = nullptr;
};
// On a host there is nothing to record.
struct NoReplay {
  void clear() {}
};
template <class B, class Out>
struct ReplayFor {
  using type = NoReplay;
};
template <RecordsGraphs B, class Out>
struct ReplayFor<B, Out> {
  using type = Replay<B, Out>;
};
template <class B, class Out>
using ReplayOf = typename ReplayFor<B, Out>::type;

}  // namespace vitrail::inline VITRAIL_TU::detail
