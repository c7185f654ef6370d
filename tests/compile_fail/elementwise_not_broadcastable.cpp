// expect: error_elementwise_operands_cannot_be_broadcast_together
// expect: Shape<197>
// expect: Shape<197, 768>
#include <vitrail/expr/expression.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::Var y = input<197, 768>() + parameter<197>();
#else
  vt::Var y = input<197, 768>() + parameter<768>();
  static_assert(decltype(y)::tracked);
#endif
}
