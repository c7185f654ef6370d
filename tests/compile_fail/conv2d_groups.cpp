// expect: error_conv2d_channels_are_not_divisible_by_the_groups<4, 6>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d<vt::Conv2dConfig{.groups = 4}>(input<6, 32, 32>(), parameter<16, 2, 3, 3>(), parameter<16>());
#else
  vt::conv2d<vt::Conv2dConfig{.groups = 4}>(input<8, 32, 32>(), parameter<16, 2, 3, 3>(), parameter<16>());
#endif
}
