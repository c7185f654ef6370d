// expect: error_reduce_shape_does_not_fit_the_pattern<
// expect: group_not_divisible
// expect: 2, 7>
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::reduce<"h (w q) -> h w", vt::op::max, vt::with{.q = 2}>(input<5, 7>());
#else
  (void)vt::reduce<"h (w q) -> h w", vt::op::max, vt::with{.q = 2}>(input<5, 8>());
#endif
}
