// expect: error_conv2d_input_is_not_of_rank_3<2>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d(input<32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#else
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#endif
}
