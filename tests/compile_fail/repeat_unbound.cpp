// expect: error_repeat_axis_has_no_extent_bind_it_with_vt_with<11>
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::repeat<"h w -> h w r">(input<5, 7>());
#else
  vt::repeat<"h w -> h w r", vt::with{.r = 2}>(input<5, 7>());
#endif
}
