// expect: error_too_many_inputs_split_the_expression_with_vt_Var<9, 8>
#include <vitrail/expr/expression.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  const auto x = input<4>();
  vt::Var y = x + x + x + x + x + x + x + x + x;
#else
  const auto x = input<4>();
  vt::Var y = x + x + x + x + x + x + x + x;
  static_assert(decltype(y)::batched);
#endif
}
