// expect: error_pool2d_kernel_is_larger_than_the_padded_input<4, 3>
#include <vitrail/ops/pool2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::avg_pool2d<vt::Pool2dConfig{.kernel = 4}>(input<1, 3, 8>());
#else
  vt::avg_pool2d<vt::Pool2dConfig{.kernel = 3}>(input<1, 3, 8>());
#endif
}
