// expect: error_low_rank_columns_do_not_divide_into_the_parts<10, 3>
#include <vitrail/ops/low_rank.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::low_rank<vt::parts{3, 5}>(input<4, 10>(), input<4, 7>(), parameter<4, 7>(), parameter<6, 2>());
#else
  vt::low_rank<vt::parts{3, 5}>(input<4, 9>(), input<4, 7>(), parameter<4, 7>(), parameter<6, 2>());
#endif
}
