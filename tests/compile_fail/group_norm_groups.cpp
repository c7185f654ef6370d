// expect: error_group_norm_channels_are_not_divisible_by_the_groups<3, 8>
#include <vitrail/ops/group_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::group_norm<3>(input<8, 4, 4>(), parameter<8>(), parameter<8>());
#else
  vt::group_norm<4>(input<8, 4, 4>(), parameter<8>(), parameter<8>());
#endif
}
