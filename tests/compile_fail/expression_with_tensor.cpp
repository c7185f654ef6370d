// expect: error_operation_input_is_a_tensor_or_of_another_step<
// expect: Shape<768>
#include <vitrail/expr/expression.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  const vt::Tensor<vt::Shape<768>, vt::cpu> scale;
#else
  const auto scale = parameter<768>();
#endif
  vt::Var y = input<197, 768>() * scale;
  (void)y;
}
