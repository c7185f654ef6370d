// expect: error_stack_operand_has_another_rank_than_the_first<1, 2, 1>
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::stack<0>(input<5, 7>(), input<7>());
#else
  vt::stack<0>(input<5, 7>(), input<5, 7>());
#endif
}
