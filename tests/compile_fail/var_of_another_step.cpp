// expect: error_operation_input_is_a_tensor_or_of_another_step<
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::Meta<vt::cpu, false> other{&trace};
#else
  auto& other = context;
#endif
  vt::linear_residual(input<197, 768>(), parameter<10, 768>(), parameter<10>(),
                      other.input<vt::Shape<197, 10>, true>());
}
