// attention_map.hpp - how an attention operation shows its probabilities to a context that looks on
// (inspect/look_inside.hpp).
//
// Such an operation has
//   static constexpr std::array<std::size_t, 3> map_shape;   // heads, queries, keys
//   void attention_map(const Arguments<P, N>& a, std::size_t sample, T* to) const;
// `to` is zeroed. Queries and keys are numbered as tokens are: attention in windows writes each window's probabilities
// where its tokens stand in the whole. Nothing of it is compiled for steps and predictors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "../backend/attention.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// softmax(scale Q K^T + bias) of one sample, [heads, queries, keys], in double.
template <class T>
void attention_map(const kernels::Attention<T>& a, std::size_t sample, T* to) {
  std::vector<double> row(a.keys);
  for (std::size_t h = 0; h < a.heads; ++h) {
    const T *q = a.q.at(sample, h), *keys = a.k.at(sample, h);
    for (std::size_t i = 0; i < a.queries; ++i, q += a.q.row, to += a.keys) {
      for (std::size_t j = 0; j < a.keys; ++j) {
        const T* k = keys + static_cast<std::ptrdiff_t>(j) * a.k.row;
        double product = 0;
        for (std::size_t c = 0; c < a.channels; ++c) product += static_cast<double>(q[c]) * static_cast<double>(k[c]);
        row[j] = product * static_cast<double>(a.scale);
        if (a.bias) row[j] += static_cast<double>(a.bias[(h * a.queries + i) * a.keys + j]);
      }
      const double top = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (double& x : row) sum += x = std::exp(x - top);
      for (std::size_t j = 0; j < a.keys; ++j) to[j] = static_cast<T>(row[j] / sum);
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
