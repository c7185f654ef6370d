// distillation.hpp - a model with two heads learns from labels and from a teacher (Touvron et al. 2021, "DeiT").
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../tensor/tensor.hpp"
#include "objective.hpp"

namespace vitrail::inline VITRAIL_TU {

// Hard distillation, the paper's equation 3: half the cross-entropy of the first head with a sample's first label, and
// half that of the second head with its second one, the teacher's. Only the first is smoothed, as in DeiT.
struct HardDistillation {
  static constexpr std::size_t labels_per_sample = 2;
  CrossEntropyOptions options = {};

  constexpr auto operator()(const auto& net, const auto& images, const auto& labels) const {
    const auto [logits, distilled] = net(images);
    Var right = cross_entropy(logits, label<0>(labels), options);
    Var taught = cross_entropy(distilled, label<1>(labels));
    return vitrail::Step{detail::mean_of(right, taught), detail::mean_of(logits, distilled)};
  }
};

// Batches whose samples have a second label: the class that the teacher finds in the image as the student gets it,
// augmented. `teacher(images)` gives logits [C] per sample, as a vt::Predictor does.
// `vt::fit(model, taught, recipe, state, vt::HardDistillation{});`
template <class Batches, class Teacher>
class TaughtBatches {
 public:
  // Both must outlive it.
  TaughtBatches(Batches& batches, Teacher& teacher) : batches_(&batches), teacher_(&teacher) {}

  std::size_t samples() const { return batches_->samples(); }
  std::size_t batch() const { return batches_->batch(); }
  std::size_t count() const { return batches_->count(); }
  auto augmentation() const requires requires(const Batches& b) { b.augmentation(); }
  { return batches_->augmentation(); }
  void shuffle(std::uint64_t seed, std::uint32_t epoch) { batches_->shuffle(seed, epoch); }
  // Two labels per sample, its own and the teacher's.
  template <class Images>
  void load_from(std::size_t sample, Images& images, Labels& labels) {
    batches_->load_from(sample, images, own_);
    const auto logits = (*teacher_)(images);
    labels.resize(2 * images.count());
    for (std::size_t b = 0; b < images.count(); ++b) {
      const auto z = logits[b];
      labels.data()[2 * b] = own_[b];
      labels.data()[2 * b + 1] = static_cast<int>(std::max_element(z.begin(), z.end()) - z.begin());
    }
  }

 private:
  Batches* batches_;
  Teacher* teacher_;
  Labels own_;
};

}  // namespace vitrail::inline VITRAIL_TU
