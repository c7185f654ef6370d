// timing.hpp - how long each operation of a step takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

struct OperationTiming {
  const char* name = "";
  double forward = 0, backward = 0, again = 0;  // seconds, summed over the steps; again: recomputed in backward
  std::size_t calls = 0, samples = 0;           // samples of all these calls
};

// Takes times only while it is on: `const auto start = timer.start(); ...; timer.stop(start, ...)`.
class OperationTimer {
 public:
  using clock = std::chrono::steady_clock;

  // wait() returns when all that was queued is done, where operations are queued and not run at once.
  void set_on(bool on, std::function<void()> wait = {}) {
    on_ = on;
    wait_ = std::move(wait);
  }
  bool is_on() const { return on_; }
  const std::vector<OperationTiming>& timings() const { return timings_; }
  // Room for so many operations, so that nothing is allocated later.
  void reserve(std::size_t operations) { timings_.resize(operations); }

  clock::time_point start() const { return on_ ? now() : clock::time_point(); }
  void stop(clock::time_point start, std::size_t operation, const char* name, double OperationTiming::*part,
            std::size_t samples) {
    if (on_) add(start, operation, name, part, samples);
  }

 private:
  [[gnu::noinline]] clock::time_point now() const {
    if (wait_) wait_();
    return clock::now();
  }
  [[gnu::noinline]] void add(clock::time_point start, std::size_t operation, const char* name,
                             double OperationTiming::*part, std::size_t samples) {
    const double seconds = std::chrono::duration<double>(now() - start).count();
    if (timings_.size() <= operation) timings_.resize(operation + 1);
    OperationTiming& timing = timings_[operation];
    timing.name = name;
    timing.*part += seconds;
    if (part == &OperationTiming::forward) ++timing.calls, timing.samples += samples;
  }

  bool on_ = false;
  std::function<void()> wait_;
  std::vector<OperationTiming> timings_;
};

}  // namespace vitrail::inline VITRAIL_TU
