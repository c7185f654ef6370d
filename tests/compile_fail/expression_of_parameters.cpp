// expect: error_an_expression_of_parameters_alone_belongs_to_no_step
// expect: 2
#include <vitrail/expr/expression.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  auto y = vt::evaluate(parameter<4>() * parameter<4>());
#else
  auto y = vt::evaluate(parameter<4>() * parameter<4>() + input<4>());
  static_assert(decltype(y)::tracked && decltype(y)::batched);
#endif
}
