// metrics.hpp - how often the right class is among the best.
#pragma once

#include <cstddef>

#include "../tensor/tensor.hpp"

namespace vitrail::inline VITRAIL_TU {

// Counts samples whose label is the largest logit (top1) or among the five largest (top5). Ties go to the smaller class
// number; a NaN logit is never larger than another.
struct Accuracy {
  std::size_t samples = 0, top1 = 0, top5 = 0;

  template <class S, class T>
  void add(const BatchView<S, T>& logits, const Labels& labels) {
    detail::check_size("Accuracy: labels", labels.count(), logits.count());
    for (std::size_t b = 0; b < logits.count(); ++b) {
      const T* z = logits[b].data();
      const auto label = static_cast<std::size_t>(labels[b]);
      std::size_t rank = 0;
      for (std::size_t c = 0; c < S::size; ++c) rank += !(z[c] <= z[label]) || (z[c] == z[label] && c < label);
      top1 += rank < 1;
      top5 += rank < 5;
    }
    samples += logits.count();
  }
  // Shares in [0, 1].
  double top1_share() const { return samples ? static_cast<double>(top1) / static_cast<double>(samples) : 0; }
  double top5_share() const { return samples ? static_cast<double>(top5) / static_cast<double>(samples) : 0; }
};

}  // namespace vitrail::inline VITRAIL_TU
