// expect: error_rearrange_binds_an_axis_that_the_pattern_does_not_have<
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::rearrange<"(h p) w -> h w p", vt::with{.p = 2, .q = 2}>(input<6, 7>());
#else
  vt::rearrange<"(h p) w -> h w p", vt::with{.p = 2}>(input<6, 7>());
#endif
}
