// expect: error_layer_norm_last_axis_is_not_the_normalized_one<24, 12>
#include <vitrail/nn/swin_block.hpp>
#include "compile_fail/inputs.hpp"

// Merging halves the map and doubles the channels: a block for the shape before it does not take what comes out.
constexpr vt::WindowedMap before{8, 8, 4}, after{4, 4, 4};

int main() {
  const vt::PatchMerging<8, 8, 12> merge{};
#ifdef SHOULD_FAIL
  vt::SwinBlock<12, 2, 24, before>{}(merge(input<64, 12>()));
#else
  vt::SwinBlock<24, 2, 48, after>{}(merge(input<64, 12>()));
#endif
}
