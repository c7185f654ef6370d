// run_block.hpp - a block of a model as its configuration has it run: parts dropped while training, or recomputed in
// backward.
#pragma once

#include <cstddef>

#include "../autodiff/recompute.hpp"
#include "block.hpp"

namespace vitrail::inline VITRAIL_TU {

// What all blocks of a model have in common.
struct BlockRunning {
  std::size_t blocks = 1;
  double dropout = 0, drop_path = 0;
  bool recompute = false;

  constexpr bool drops() const { return dropout > 0 || drop_path > 0; }
  // Of a block: drop path grows linearly from 0 in the first one.
  constexpr DropRates rates(std::size_t block) const {
    const double last = blocks > 1 ? static_cast<double>(blocks - 1) : 1;
    return {dropout, drop_path * static_cast<double>(block) / last};
  }
};

namespace detail {
template <bool Recompute, class Block, class X, class... More>
constexpr auto call_block(const Block& block, const X& x, const More&... more) {
  if constexpr (Recompute) {
    return recompute(block, x, more...);
  } else {
    return block(x, more...);
  }
}
}  // namespace detail

// block(x, rates, keys...), without the rates where nothing is dropped; `number` counts all blocks of the model.
template <BlockRunning R, class Block, class X, class... Keys>
constexpr auto run_block(const Block& block, std::size_t number, const X& x, const Keys&... keys) {
  if constexpr (R.drops()) {
    return detail::call_block<R.recompute>(block, x, R.rates(number), keys...);
  } else {
    return detail::call_block<R.recompute>(block, x, keys...);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
