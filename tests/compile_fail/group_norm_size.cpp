// expect: error_group_norm_parameters_have_another_size_than_the_channels<4, 8>
#include <vitrail/ops/group_norm.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::group_norm<4>(input<8, 4, 4>(), parameter<8>(), parameter<4>());
#else
  vt::group_norm<4>(input<8, 4, 4>(), parameter<8>(), parameter<8>());
#endif
}
