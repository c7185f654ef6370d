// expect: error_pool2d_padding_is_more_than_half_of_the_kernel<2, 3>
#include <vitrail/ops/pool2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::max_pool2d<vt::Pool2dConfig{.kernel = 3, .padding = 2}>(input<1, 32, 32>());
#else
  vt::max_pool2d<vt::Pool2dConfig{.kernel = 3, .padding = 1}>(input<1, 32, 32>());
#endif
}
