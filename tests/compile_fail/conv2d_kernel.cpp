// expect: error_conv2d_kernel_is_larger_than_the_padded_input<3, 2>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d(input<3, 32, 2>(), parameter<16, 3, 3, 3>(), parameter<16>());
#else
  vt::conv2d<vt::Conv2dConfig{.padding = 1}>(input<3, 32, 2>(), parameter<16, 3, 3, 3>(), parameter<16>());
#endif
}
