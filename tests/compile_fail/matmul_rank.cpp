// expect: error_matmul_operand_is_of_rank_0_or_more_than_6<2, 0>
#include <vitrail/ops/matmul.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::matmul(input<4, 7>(), input<>());
#else
  (void)vt::matmul(input<4, 7>(), input<7>());
#endif
}
