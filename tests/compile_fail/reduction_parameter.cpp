// expect: error_reduction_of_a_parameter_alone_is_in_no_step<35>
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::norm(parameter<5, 7>());
#else
  (void)vt::norm(parameter<5, 7>() * input<5, 7>());
#endif
}
