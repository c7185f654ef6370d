// expect: error_reduce_pattern_is_not_valid<
// expect: axis_only_on_the_right
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::reduce<"h w c -> d", vt::op::sum>(input<5, 7, 3>());
#else
  (void)vt::reduce<"h w c -> c", vt::op::sum>(input<5, 7, 3>());
#endif
}
