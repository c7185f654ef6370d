// expect: error_layer_norm_weight_is_not_one_for_the_whole_batch<768>
#include <vitrail/ops/layer_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::layer_norm(input<197, 768>(), input<768>(), parameter<768>());
#else
  vt::layer_norm(input<197, 768>(), parameter<768>(), parameter<768>());
#endif
}
