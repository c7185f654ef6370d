// metrics.hpp - how often the right class is among the best.
#pragma once

#include <cstddef>

#include "../tensor/tensor.hpp"

namespace vitrail::inline VITRAIL_TU {

// Counts samples whose label is the largest logit (top1) or among the five largest (top5). Ties go to the smaller class
// number; NaN never helps: as the label's logit it comes last, as another's it comes before.
struct Accuracy {
  std::size_t samples = 0, top1 = 0, top5 = 0;

  // Logits [C] per sample. Samples with the label `ignore_index` do not count (as in cross_entropy); another label
  // outside [0, C), or another number of labels than samples, throws shape_error and counts nothing. Where a sample has
  // several labels, the first is the right one.
  template <class S, class T>
  void add(const BatchView<S, T>& logits, const Labels& labels, int ignore_index = -100,
           std::size_t labels_of_sample = 1) {
    static_assert(S::rank == 1, "Accuracy: the logits must be [C] per sample");
    detail::check_size("Accuracy: labels", labels.count(), logits.count() * labels_of_sample);
    detail::check_labels("Accuracy", labels.data(), logits.count(), S::size, ignore_index, labels_of_sample);
    for (std::size_t b = 0; b < logits.count(); ++b) {
      const int right = labels[b * labels_of_sample];
      if (right == ignore_index) continue;
      const T* z = logits[b].data();
      const auto label = static_cast<std::size_t>(right);
      std::size_t rank = 0;
      for (std::size_t c = 0; c < S::size; ++c) rank += !(z[c] <= z[label]) || (z[c] == z[label] && c < label);
      top1 += rank < 1;
      top5 += rank < 5;
      ++samples;
    }
  }
  // Shares in [0, 1].
  double top1_share() const { return samples ? static_cast<double>(top1) / static_cast<double>(samples) : 0; }
  double top5_share() const { return samples ? static_cast<double>(top5) / static_cast<double>(samples) : 0; }
};

}  // namespace vitrail::inline VITRAIL_TU
