// expect: error_a_named_expression_would_be_evaluated_again_write_vt_Var_h_equals
#include <vitrail/expr/expression.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  auto h = input<4>() * 2;
  vt::Var y = h * h;
#else
  vt::Var h = input<4>() * 2;
  vt::Var y = h * h;
  static_assert(decltype(y)::batched);
#endif
}
