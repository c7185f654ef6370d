// recompute.hpp - memory for time: a part of a step whose values are not kept, but computed again when backward needs
// them. torch.utils.checkpoint.
#pragma once

#include "driver.hpp"

namespace vitrail::inline VITRAIL_TU {

// block(x, more...), whose result is a Var. In a planned step everything in it dies in forward, but for what is read
// outside; the plan has its operations run again before their backward, with the same random numbers and so the same
// bits. One within another is a part of the outer one. The retaining tape and inference have nothing to save: there it
// is the plain call.
template <class Block, class X, class... More>
requires is_var<X>
constexpr auto recompute(const Block& block, const X& x, const More&... more) {
  if constexpr (requires { x.ctx->open_segment(); }) {
    const bool opened = x.ctx->open_segment();
    Var y = block(x, more...);
    if (opened) x.ctx->close_segment();
    return y;
  } else {
    Var y = block(x, more...);
    return y;
  }
}

}  // namespace vitrail::inline VITRAIL_TU
