// expect: error_linear_residual_is_not_a_Var_batched_as_the_input<false, true>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear_residual(input<197, 768>(), parameter<10, 768>(), parameter<10>(), parameter<197, 10>());
#else
  vt::linear_residual(input<197, 768>(), parameter<10, 768>(), parameter<10>(), input<197, 10>());
#endif
}
