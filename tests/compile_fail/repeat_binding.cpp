// expect: error_repeat_binds_an_axis_that_the_pattern_does_not_have<
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::repeat<"h w -> h w r", vt::with{.r = 2, .s = 3}>(input<5, 7>());
#else
  vt::repeat<"h w -> h w r", vt::with{.r = 2}>(input<5, 7>());
#endif
}
