// expect: error_conv2d_bias_has_another_size_than_the_output_channels<3, 16>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<3>());
#else
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#endif
}
