// rollout.hpp - which input tokens the tokens at the end are mixed from, by all attentions together.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "look_inside.hpp"

namespace vitrail::inline VITRAIL_TU {

// [tokens, inputs]: row i is how the last block's token i is made up of the tokens that the first block gets.
struct TokenMap {
  std::size_t tokens = 0, inputs = 0;
  std::vector<double> values;

  std::span<const double> row(std::size_t i) const {
    if (i >= tokens) throw shape_error("rollout: there is no token " + std::to_string(i));
    return {values.data() + i * inputs, inputs};
  }
};

namespace detail {

// The map of tokens that were merged in squares of 2 x 2: a merged one is made up of its four in equal parts. `height`
// becomes that of the merged grid.
inline TokenMap merged_tokens(const TokenMap& map, std::size_t& height) {
  const std::size_t width = map.tokens / height, rows = (height + 1) / 2, columns = (width + 1) / 2;
  TokenMap merged{rows * columns, map.inputs, std::vector<double>(rows * columns * map.inputs)};
  for (std::size_t t = 0; t < map.tokens; ++t) {
    const std::size_t y = t / width / 2, x = t % width / 2;
    const double parts = (2 * y + 1 < height ? 2.0 : 1.0) * (2 * x + 1 < width ? 2.0 : 1.0);
    for (std::size_t i = 0; i < map.inputs; ++i) {
      merged.values[(y * columns + x) * map.inputs + i] += map.values[t * map.inputs + i] / parts;
    }
  }
  height = rows;
  return merged;
}

}  // namespace detail

// Attention rollout (Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers"): the product, over the
// blocks, of (A + 1) / 2, A being the mean of a block's heads and 1 the residual; its rows sum to one. Attention that
// is not of all tokens to all of them (of a pooling query) takes no part. Where a block has a quarter of the tokens of
// the one before it, as in Swin, patches of 2 x 2 were merged: those of a grid with `height` rows at the start, by
// default a square one. Throws shape_error if there is no attention, or if blocks have other numbers of tokens.
template <class T>
TokenMap rollout(const Inside<T>& inside, std::size_t image = 0, std::size_t height = 0) {
  TokenMap map;
  for (const Seen<T>& seen : inside.attention) {
    const std::size_t heads = seen.shape[0], n = seen.shape[1];
    if (n != seen.shape[2]) continue;
    if (map.tokens == 0) {
      map = {n, n, std::vector<double>(n * n)};
      for (std::size_t i = 0; i < n; ++i) map.values[i * n + i] = 1;
      if (height == 0) height = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(n))));
    } else if (n < map.tokens && height > 0 && map.tokens % height == 0 &&
               n == (height + 1) / 2 * ((map.tokens / height + 1) / 2)) {
      map = detail::merged_tokens(map, height);
    }
    if (map.tokens != n) {
      throw shape_error("rollout: " + seen.path + " has " + std::to_string(n) + " tokens, blocks before it " +
                        std::to_string(map.tokens));
    }
    const auto probabilities = seen.of(image);
    TokenMap next{n, map.inputs, std::vector<double>(n * map.inputs)};
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        double share = i == k ? 0.5 : 0;
        for (std::size_t h = 0; h < heads; ++h) {
          share += 0.5 / static_cast<double>(heads) * static_cast<double>(probabilities[(h * n + i) * n + k]);
        }
        if (share == 0) continue;  // tokens of other windows
        for (std::size_t j = 0; j < map.inputs; ++j) {
          next.values[i * map.inputs + j] += share * map.values[k * map.inputs + j];
        }
      }
    }
    map = std::move(next);
  }
  if (map.tokens == 0) throw shape_error("rollout: no attention of all tokens to all of them was seen");
  return map;
}

// Numbers over the cells of a grid, row by row.
struct Grid {
  std::size_t height = 0, width = 0;
  std::vector<double> values;
};
// One number per token -> those of the patches, on their grid: the first `prefix` (class token, registers) are left
// out. A square grid if height is 0. Throws shape_error if the patches do not fill the grid.
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
