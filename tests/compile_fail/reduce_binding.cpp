// expect: error_reduce_binds_an_axis_that_the_pattern_does_not_have<
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::reduce<"h (w q) -> h w", vt::op::max, vt::with{.p = 2}>(input<5, 8>());
#else
  (void)vt::reduce<"h (w q) -> h w", vt::op::max, vt::with{.w = 2}>(input<5, 8>());
#endif
}
