// replay.hpp - work that is queued on a device the same way in every step: recorded as a graph the second time, and
// from then on started with one call.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <utility>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

template <class B>
concept RecordsGraphs = requires(const B& b) {
  b.device().begin_graph();
};

// What must be equal for a recording to serve again: the number of samples, and which buffers are used.
struct ReplayKey {
  std::size_t count, buffers;
  friend auto operator<=>(const ReplayKey&, const ReplayKey&) = default;
};

// Result: what the callable returns; what it points to stays where it is. Addresses that the work reads and writes must
// be the same every time, until clear().
template <class B, class Result>
class Replay {
 public:
  void clear() { recordings_.clear(); }
  // Where the model's frozen values are now: recordings of other places are of no use.
  void on(const void* values) {
    if (values != values_) clear();
    values_ = values;
  }
  // The result of the recording for this key, or null if there is none yet.
  const Result* recorded(const ReplayKey& key) const {
    const auto found = recordings_.find(key);
    return found != recordings_.end() && found->second.graph ? &found->second.result : nullptr;
  }
  // The first time runs f at once (plans and workspaces come into being), the second records it. If f throws, the half
  // that it recorded is neither kept nor run.
  template <class F>
  const Result& run(const B& backend, const ReplayKey& key, const F& f) {
    const auto found = recordings_.find(key);
    if (found == recordings_.end()) return recordings_.emplace(key, Recording{Graph{}, f()}).first->second.result;
    Recording& recording = found->second;
    if (!recording.graph) {
      backend.device().begin_graph();
      try {
        recording.result = f();
      } catch (...) {
        backend.device().cancel_graph();
        throw;
      }
      recording.graph = backend.device().end_graph();
    }
    backend.device().run(recording.graph);
    return recording.result;
  }

 private:
  using Graph = decltype(std::declval<const B&>().device().end_graph());
  struct Recording {
    Graph graph{};
    Result result;
  };
  std::map<ReplayKey, Recording> recordings_;
  const void* values_ = nullptr;
};
// On a host there is nothing to record.
struct NoReplay {
  void clear() {}
};
template <class B, class Result>
struct ReplayFor {
  using type = NoReplay;
};
template <RecordsGraphs B, class Result>
struct ReplayFor<B, Result> {
  using type = Replay<B, Result>;
};
template <class B, class Result>
using ReplayOf = typename ReplayFor<B, Result>::type;

}  // namespace vitrail::inline VITRAIL_TU::detail
