// expect: error_rearrange_pattern_is_not_valid<
#include <vitrail/ops/rearrange.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::rearrange<"h w -> h (w c)">(input<5, 7>());
#else
  vt::rearrange<"h w -> w h">(input<5, 7>());
#endif
}
