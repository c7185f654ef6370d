// expect: error_layer_norm_bias_has_another_size_than_the_weight<512, 768>
#include <vitrail/ops/layer_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::layer_norm(input<197, 768>(), parameter<768>(), parameter<512>());
#else
  vt::layer_norm(input<197, 768>(), parameter<768>(), parameter<768>());
#endif
}
