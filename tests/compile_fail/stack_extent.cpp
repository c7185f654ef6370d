// expect: error_stack_operand_has_another_extent_than_the_first<1, 0, 5, 4>
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::stack<0>(input<5, 7>(), input<4, 7>());
#else
  vt::stack<0>(input<5, 7>(), input<5, 7>());
#endif
}
