// expect: error_concat_axis_is_not_below_the_rank<2, 2>
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::concat<2>(input<5, 7>(), input<5, 7>());
#else
  vt::concat<1>(input<5, 7>(), input<5, 7>());
#endif
}
