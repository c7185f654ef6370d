// expect: error_low_rank_first_matrix_is_not_parts_times_rank_by_in<
// expect: Shape<2, 8>
// expect: Shape<2, 7>
#include <vitrail/ops/low_rank.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::low_rank(input<4, 9>(), input<4, 7>(), parameter<2, 8>(), parameter<9, 2>());
#else
  vt::low_rank(input<4, 9>(), input<4, 7>(), parameter<2, 7>(), parameter<9, 2>());
#endif
}
