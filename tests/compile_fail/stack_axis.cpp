// expect: error_stack_axis_is_not_at_most_the_rank<3, 2>
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::stack<3>(input<5, 7>(), input<5, 7>());
#else
  vt::stack<2>(input<5, 7>(), input<5, 7>());
#endif
}
