// expect: error_group_norm_input_is_not_of_rank_3<1>
#include <vitrail/ops/group_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::group_norm<4>(input<8>(), parameter<8>(), parameter<8>());
#else
  vt::group_norm<4>(input<8, 4, 4>(), parameter<8>(), parameter<8>());
#endif
}
