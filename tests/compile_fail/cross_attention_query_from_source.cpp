// expect: error_linear_last_axis_is_not_in_features<20, 12>
#include <vitrail/nn/cross_attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
  const vt::CrossAttention<12, 20, 3> attention{};
#ifdef SHOULD_FAIL
  attention(input<7, 20>(), input<5, 12>());  // Q would come from the source
#else
  attention(input<5, 12>(), input<7, 20>());
#endif
}
