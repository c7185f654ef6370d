// expect: error_cosine_heads_columns_are_not_three_times_a_multiple_of_heads<24, 5>
#include <vitrail/ops/cosine_heads.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::cosine_heads(input<5, 24>(), parameter<5>());
#else
  vt::cosine_heads(input<5, 24>(), parameter<2>());
#endif
}
