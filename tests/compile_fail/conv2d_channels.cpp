// expect: error_conv2d_input_has_another_number_of_channels<1, 3>
#include <vitrail/ops/conv2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::conv2d(input<1, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#else
  vt::conv2d(input<3, 32, 32>(), parameter<16, 3, 3, 3>(), parameter<16>());
#endif
}
