// expect: error_linear_last_axis_is_not_in_features<512, 768>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear(input<197, 512>(), parameter<10, 768>(), parameter<10>());
#else
  vt::linear(input<197, 768>(), parameter<10, 768>(), parameter<10>());
#endif
}
