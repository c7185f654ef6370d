// expect: error_conv2d_bias_is_not_one_for_the_whole_batch<16>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), input<16>());
#else
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#endif
}
