// expect: error_rearrange_axis_has_no_extent_bind_it_with_vt_with<1>
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::rearrange<"(h p) w -> h w p">(input<6, 7>());
#else
  vt::rearrange<"(h p) w -> h w p", vt::with{.h = 3}>(input<6, 7>());
#endif
}
