// expect: error_operation_has_no_Var_of_a_step_among_its_inputs<
// operation_outside_of_steps.cpp - parameters alone: nothing says which step this is a part of.
#include <vitrail/ops/layer_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::layer_norm(parameter<197, 768>(), parameter<768>(), parameter<768>());
#else
  vt::layer_norm(input<197, 768>(), parameter<768>(), parameter<768>());
#endif
}
