// expect: error_batch_norm2d_input_is_not_of_rank_3<1>
#include <vitrail/ops/batch_norm2d.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::batch_norm2d(input<8>(), parameter<8>(), parameter<8>());
#else
  vt::batch_norm2d(input<8, 4, 4>(), parameter<8>(), parameter<8>());
#endif
}
