// expect: error_batch_norm2d_parameters_have_another_size_than_the_channels<4, 8>
#include <vitrail/ops/batch_norm2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::batch_norm2d(input<8, 4, 4>(), parameter<8>(), parameter<4>());
#else
  vt::batch_norm2d(input<8, 4, 4>(), parameter<8>(), parameter<8>());
#endif
}
