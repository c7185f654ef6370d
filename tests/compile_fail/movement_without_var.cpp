// expect: error_operation_has_no_Var_of_a_step_among_its_inputs
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::concat<0>(parameter<5, 7>(), parameter<5, 7>());
#else
  vt::concat<0>(parameter<5, 7>(), input<5, 7>());
#endif
}
