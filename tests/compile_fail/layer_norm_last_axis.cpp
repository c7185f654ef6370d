// expect: error_layer_norm_last_axis_is_not_the_normalized_one<512, 768>
#include <vitrail/ops/layer_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::layer_norm(input<197, 512>(), parameter<768>(), parameter<768>());
#else
  vt::layer_norm(input<197, 768>(), parameter<768>(), parameter<768>());
#endif
}
