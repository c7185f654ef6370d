// expect: error_operation_input_is_neither_a_Var_nor_a_parameter<
// expect: View<
#include <vitrail/ops/layer_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  const vt::View<vt::Shape<768>, float> weight(nullptr);
#else
  const auto weight = parameter<768>();
#endif
  vt::layer_norm(input<197, 768>(), weight, parameter<768>());
}
