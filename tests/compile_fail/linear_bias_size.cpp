// expect: error_linear_bias_has_another_size_than_out_features<768, 10>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear(input<197, 768>(), parameter<10, 768>(), parameter<768>());
#else
  vt::linear(input<197, 768>(), parameter<10, 768>(), parameter<10>());
#endif
}
