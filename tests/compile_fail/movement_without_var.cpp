// expect: error_no_operand_is_a_Var_so_there_is_no_step_to_compute_in<2>
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::concat<0>(parameter<5, 7>(), parameter<5, 7>());
#else
  vt::concat<0>(parameter<5, 7>(), input<5, 7>());
#endif
}
