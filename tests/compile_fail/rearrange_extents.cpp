// expect: error_rearrange_shape_does_not_fit_the_pattern<
// expect: 5, 224>
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::rearrange<"c (h p) w -> h (c p w)", vt::with{.p = 5}>(input<3, 224, 8>());
#else
  vt::rearrange<"c (h p) w -> h (c p w)", vt::with{.p = 7}>(input<3, 224, 8>());
#endif
}
