// expect: error_operation_has_no_Var_of_a_step_among_its_inputs
#include <vitrail/ops/einsum.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::einsum<"i j, j -> i">(parameter<5, 7>(), parameter<7>());
#else
  (void)vt::einsum<"i j, j -> i">(parameter<5, 7>(), input<7>());
#endif
}
