// expect: error_repeat_shape_does_not_fit_the_pattern<
// expect: 4, 7>
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::repeat<"h w -> h w r", vt::with{.r = 2, .w = 4}>(input<5, 7>());
#else
  vt::repeat<"h w -> h w r", vt::with{.r = 2, .w = 7}>(input<5, 7>());
#endif
}
