// rollout.hpp - which input tokens the tokens at the end are mixed from, by all attentions together.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "look_inside.hpp"

namespace vitrail::inline VITRAIL_TU {

// [tokens, tokens]: row i is how the last block's token i is made up of the first block's.
struct TokenMap {
  std::size_t tokens = 0;
  std::vector<double> values;

  std::span<const double> row(std::size_t i) const {
    if (i >= tokens) throw shape_error("rollout: there is no token " + std::to_string(i));
    return {values.data() + i * tokens, tokens};
  }
};

// Attention rollout (Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers"): the product, over the blocks,
// of (A + 1) / 2, A being the mean of a block's heads and 1 the residual; its rows sum to one. Attention that is not of
// all tokens to all of them (of a pooling query) takes no part. Throws shape_error if there is none left, or if blocks
// have different numbers of tokens.
template <class T>
TokenMap rollout(const Inside<T>& inside, std::size_t image = 0) {
  TokenMap map;
  for (const Seen<T>& seen : inside.attention) {
    const std::size_t heads = seen.shape[0], n = seen.shape[1];
    if (n != seen.shape[2]) continue;
    if (map.tokens != 0 && map.tokens != n) {
      throw shape_error("rollout: " + seen.path + " has " + std::to_string(n) + " tokens, blocks before it " +
                        std::to_string(map.tokens));
    }
    const auto probabilities = seen.of(image);
    std::vector<double> mixed(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        double share = i == k ? 0.5 : 0;
        for (std::size_t h = 0; h < heads; ++h) {
          share += 0.5 / static_cast<double>(heads) * static_cast<double>(probabilities[(h * n + i) * n + k]);
        }
        if (map.tokens == 0) {
          mixed[i * n + k] = share;
        } else {
          for (std::size_t j = 0; j < n; ++j) mixed[i * n + j] += share * map.values[k * n + j];
        }
      }
    }
    map = {n, std::move(mixed)};
  }
  if (map.tokens == 0) throw shape_error("rollout: no attention of all tokens to all of them was seen");
  return map;
}

// Numbers over the cells of a grid, row by row.
struct Grid {
  std::size_t height = 0, width = 0;
  std::vector<double> values;
};
// One number per token -> those of the patches, on their grid: the first `prefix` (class token, registers) are left out.
// A square grid if height is 0. Throws shape_error if the patches do not fill the grid.
template <class T>
Grid patch_grid(std::span<const T> tokens, std::size_t prefix = 1, std::size_t height = 0, std::size_t width = 0) {
  const std::size_t patches = tokens.size() - std::min(prefix, tokens.size());
  if (height == 0) height = width = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(patches))));
  if (patches == 0 || height * width != patches) {
    throw shape_error("patch_grid: expected " + std::to_string(height) + " x " + std::to_string(width) +
                      " patches, found " + std::to_string(patches));
  }
  return {height, width, {tokens.begin() + static_cast<std::ptrdiff_t>(prefix), tokens.end()}};
}

}  // namespace vitrail::inline VITRAIL_TU
