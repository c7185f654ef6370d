// attention_map.hpp - how an attention operation shows its probabilities to a context that looks on
// (inspect/look_inside.hpp).
//
// Such an operation has
//   static constexpr std::array<std::size_t, 3> map_shape;   // heads, queries, keys
//   void attention_map(const Arguments<P, N>& a, std::size_t sample, T* to) const;
// `to` is zeroed. Of `a` it reads count and inputs, which are in the host's memory whatever P is; all else may be a
// device's. Queries and keys are numbered as tokens are: attention in windows writes each window's probabilities
// where its tokens stand in the whole. Nothing of it is compiled for steps and predictors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "../backend/attention.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// The probabilities of one sample, [heads, queries, keys], in double; with windows [heads, tokens, tokens + extra], of
// which only those within a window and of extra keys are written.
template <class T>
void attention_map(const kernels::Attention<T>& a, std::size_t sample, T* to) {
  std::vector<double> row(a.keys);
  std::vector<T> masks(a.mask_tables() * a.queries * a.keys);
  for (std::size_t r = 0; r < a.mask_tables() * a.queries; ++r) kernels::mask_tables(a, masks.data()).row(Row<T>{}, r);
  const std::size_t windows = a.windows.count();
  const std::size_t map_queries = windows * a.queries, map_keys = a.windows ? map_queries + a.extra : a.keys;
  const auto token = [&](std::size_t w, std::size_t i) {
    if (!a.windows) return i;
    return i < a.windows.tokens() ? a.windows.token(w, i) : map_queries + i - a.windows.tokens();
  };
  // Row j of a window, or an extra one.
  const auto row_of = [&](const kernels::Heads<const T>& h, const kernels::Heads<const T>& extra, std::size_t head,
                          std::size_t w, std::size_t j) {
    const std::size_t own = a.keys - a.extra;
    return j < own ? h.at(sample, head) + static_cast<std::ptrdiff_t>(token(w, j)) * h.row
                   : extra.at(sample, head) + static_cast<std::ptrdiff_t>(j - own) * extra.row;
  };
  for (std::size_t h = 0; h < a.heads; ++h) {
    for (std::size_t w = 0; w < windows; ++w) {
      const std::size_t table = a.masks() ? a.mask_of(w) : a.no_mask;
      for (std::size_t i = 0; i < a.queries; ++i) {
        const T* q = a.q.at(sample, h) + static_cast<std::ptrdiff_t>(token(w, i)) * a.q.row;
        for (std::size_t j = 0; j < a.keys; ++j) {
          const T* k = row_of(a.k, a.extra_k, h, w, j);
          double product = 0;
          for (std::size_t c = 0; c < a.channels; ++c) product += static_cast<double>(q[c]) * static_cast<double>(k[c]);
          row[j] = product * static_cast<double>(a.scale);
          if (a.bias) row[j] += static_cast<double>(a.bias[(h * a.queries + i) * a.keys + j]);
          if (table != a.no_mask) row[j] += static_cast<double>(masks[(table * a.queries + i) * a.keys + j]);
        }
        const double top = *std::max_element(row.begin(), row.end());
        double sum = 0;
        for (double& x : row) sum += x = std::exp(x - top);
        T* shown = to + (h * map_queries + token(w, i)) * map_keys;
        for (std::size_t j = 0; j < a.keys; ++j) shown[token(w, j)] = static_cast<T>(row[j] / sum);
      }
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU::detail
