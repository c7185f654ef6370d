// expect: error_a_module_is_called_with_a_tensor_or_batch_use_vt_predictor_or_a_step<
// expect: Batch<
#include <vitrail/nn/linear.hpp>
#include <vitrail/tensor/tensor.hpp>
#include "compile_fail/inputs.hpp"

int main() {
  const vt::Linear<4, 3, vt::serial> net;
#ifdef SHOULD_FAIL
  const vt::Batch<vt::Shape<4>, vt::serial> images(8);
  net(images);
#else
  net(input<4>());
#endif
}
