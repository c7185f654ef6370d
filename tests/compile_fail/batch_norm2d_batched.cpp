// expect: error_batch_norm2d_parameters_are_not_one_for_the_whole_batch<8>
#include <vitrail/ops/batch_norm2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::batch_norm2d(input<8, 4, 4>(), input<8>(), parameter<8>());
#else
  vt::batch_norm2d(input<8, 4, 4>(), parameter<8>(), parameter<8>());
#endif
}
