// top.hpp - the classes with the largest logits, with their shares.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include "view.hpp"

namespace vitrail::inline VITRAIL_TU {

// A class, its logit, and its share of the softmax over all logits.
struct RankedClass {
  std::size_t index = 0;
  double logit = 0, probability = 0;
};

// The K classes with the largest logits of one sample, the largest first; all if there are fewer. Ties go to the
// smaller number, NaN comes last, as in Accuracy.
template <std::size_t K, class T>
std::vector<RankedClass> top(std::span<const T> logits) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t count = std::min(K, order.size());
  const auto before = [&](std::size_t a, std::size_t b) {
    const bool a_is_nan = std::isnan(logits[a]), b_is_nan = std::isnan(logits[b]);
    if (a_is_nan || b_is_nan) return a_is_nan == b_is_nan ? a < b : b_is_nan;
    return logits[a] == logits[b] ? a < b : logits[a] > logits[b];
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(), before);
  double sum = 0;
  for (const T z : logits) sum += std::exp(double(z) - double(logits[order[0]]));
  std::vector<RankedClass> ranked;
  for (std::size_t i = 0; i < count; ++i) {
    const double logit = double(logits[order[i]]);
    ranked.push_back({order[i], logit, std::exp(logit - double(logits[order[0]])) / sum});
  }
  return ranked;
}
// The same of a sample of a Batch, [C].
template <std::size_t K, class S, class T>
std::vector<RankedClass> top(const View<S, T>& logits) {
  static_assert(S::rank == 1, "top: the logits must be [C] per sample");
  return top<K>(std::span<const std::remove_const_t<T>>(logits.data(), S::size));
}

}  // namespace vitrail::inline VITRAIL_TU
