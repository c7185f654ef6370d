// expect: error_pool2d_input_is_not_of_rank_3<2>
#include <vitrail/ops/pool2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::max_pool2d(input<32, 32>());
#else
  vt::max_pool2d(input<1, 32, 32>());
#endif
}
