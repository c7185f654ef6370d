// expect: error_low_rank_second_matrix_is_not_columns_by_rank<
// expect: Shape<9, 2>
// expect: Shape<6, 2>
#include <vitrail/ops/low_rank.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::low_rank<vt::parts{3, 5}>(input<4, 9>(), input<4, 7>(), parameter<4, 7>(), parameter<9, 2>());
#else
  vt::low_rank<vt::parts{3, 5}>(input<4, 9>(), input<4, 7>(), parameter<4, 7>(), parameter<6, 2>());
#endif
}
