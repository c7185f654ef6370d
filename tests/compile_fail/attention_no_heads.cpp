// expect: error_attention_columns_are_not_three_times_a_multiple_of_heads<2304, 0>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<0>(input<197, 2304>());
#else
  vt::attention<12>(input<197, 2304>());
#endif
}
