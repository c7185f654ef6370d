// expect: error_operation_input_is_an_expression_write_vt_Var_h_equals<
// expect: Shape<197, 768>
#include <vitrail/expr/expression.hpp>
#include <vitrail/ops/layer_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::layer_norm(input<197, 768>() * 2, parameter<768>(), parameter<768>());
#else
  vt::Var h = input<197, 768>() * 2;
  vt::layer_norm(h, parameter<768>(), parameter<768>());
#endif
}
