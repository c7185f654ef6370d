// expect: error_reduce_axis_has_no_extent_bind_it_with_vt_with<3>
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::reduce<"h (w q) -> h w", vt::op::max>(input<5, 8>());
#else
  (void)vt::reduce<"h (w q) -> h w", vt::op::max, vt::with{.q = 2}>(input<5, 8>());
#endif
}
