// expect: error_operation_input_is_a_tensor_or_of_another_step<
// expect: Shape<768>
#include <vitrail/ops/layer_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  const vt::Tensor<vt::Shape<768>, vt::cpu> weight;
#else
  const auto weight = parameter<768>();
#endif
  vt::layer_norm(input<197, 768>(), weight, parameter<768>());
}
