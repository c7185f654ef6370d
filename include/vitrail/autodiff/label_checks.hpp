// label_checks.hpp - what operations ask of the labels that they are about to read. It is checked where the host has
// the labels; a step that a device replays does not come by there, so its checks are kept with the recording.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// Of one step. HostRuns: operations run on the host every time, so that nothing need be kept.
template <bool HostRuns>
class LabelChecks {
 public:
  // A step with these labels begins.
  void begin(const int*) {}
  // check(labels, count) throws if `samples` samples of `of_each` labels are not what an operation needs.
  template <class Check>
  void make(const int* labels, std::size_t samples, std::size_t of_each, const Check& check) {
    check(labels, samples * of_each);
  }
};
template <>
class LabelChecks<false> {
 public:
  void begin(const int* labels) {
    labels_ = labels;
    checks_.clear();
  }
  template <class Check>
  void make(const int* labels, std::size_t samples, std::size_t of_each, const Check& check) {
    checks_.push_back([check, of_each, first = labels - labels_](const int* all, std::size_t count) {
      check(all + first, count * of_each);
    });
    checks_.back()(labels_, samples);
  }
  // The same of other labels, as many for each sample.
  void repeat(const int* labels, std::size_t samples) const {
    for (const auto& check : checks_) check(labels, samples);
  }

 private:
  const int* labels_ = nullptr;
  std::vector<std::function<void(const int*, std::size_t)>> checks_;
};

}  // namespace vitrail::inline VITRAIL_TU
