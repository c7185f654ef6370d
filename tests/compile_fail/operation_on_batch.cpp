// expect: error_operation_input_is_neither_a_Var_nor_a_parameter<
// expect: Batch<
#include <vitrail/ops/softmax.hpp>
#include <vitrail/ops/tokens.hpp>
#include <vitrail/tensor/tensor.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  const vt::Batch<vt::Shape<197, 768>, vt::serial> x;
#else
  const auto x = input<197, 768>();
#endif
  vt::first_token(x);
}
