// expect: error_low_rank_matrix_is_not_one_for_the_whole_batch<
// expect: Shape<2, 7>
#include <vitrail/ops/low_rank.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::low_rank(input<4, 9>(), input<4, 7>(), input<2, 7>(), parameter<9, 2>());
#else
  vt::low_rank(input<4, 9>(), input<4, 7>(), parameter<2, 7>(), parameter<9, 2>());
#endif
}
