// expect: error_linear_residual_has_another_shape_than_the_result<
// expect: Shape<197, 768>
// expect: Shape<197, 10>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear_residual(input<197, 768>(), parameter<10, 768>(), parameter<10>(), input<197, 768>());
#else
  vt::linear_residual(input<197, 768>(), parameter<10, 768>(), parameter<10>(), input<197, 10>());
#endif
}
