// expect: error_conv2d_weight_is_not_of_rank_4<2>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d(input<3, 32, 32>(), parameter<16, 27>(), parameter<16>());
#else
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#endif
}
