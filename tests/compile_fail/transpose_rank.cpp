// expect: error_transpose_input_is_not_of_rank_2_or_more<1>
#include <vitrail/ops/permute.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::transpose(input<5>());
#else
  vt::transpose(input<5, 7>());
#endif
}
