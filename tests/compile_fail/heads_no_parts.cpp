// expect: error_heads_columns_are_not_a_multiple_of_parts_times_heads<2304, 0>
#include <vitrail/ops/heads.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::heads<12, 0>(input<197, 2304>());
#else
  vt::heads<12, 1>(input<197, 2304>());
#endif
}
