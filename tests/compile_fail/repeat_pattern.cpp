// expect: error_repeat_pattern_is_not_valid<
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::repeat<"h w -> w r", vt::with{.r = 2}>(input<5, 7>());
#else
  vt::repeat<"h w -> h w r", vt::with{.r = 2}>(input<5, 7>());
#endif
}
