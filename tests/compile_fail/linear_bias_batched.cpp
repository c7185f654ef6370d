// expect: error_linear_bias_is_not_one_for_the_whole_batch<10>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear_residual(input<197, 768>(), parameter<10, 768>(), input<10>(), input<197, 10>());
#else
  vt::linear_residual(input<197, 768>(), parameter<10, 768>(), parameter<10>(), input<197, 10>());
#endif
}
