// expect: error_low_rank_input_has_not_the_rows_of_the_result<
// expect: Shape<5, 7>
// expect: Shape<4, 9>
#include <vitrail/ops/low_rank.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::low_rank(input<4, 9>(), input<5, 7>(), parameter<2, 7>(), parameter<9, 2>());
#else
  vt::low_rank(input<4, 9>(), input<4, 7>(), parameter<2, 7>(), parameter<9, 2>());
#endif
}
