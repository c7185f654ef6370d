// expect: error_conv2d_stride_or_kernel_is_zero<0, 432>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d<vt::Conv2dConfig{.stride = 0}>(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#else
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#endif
}
