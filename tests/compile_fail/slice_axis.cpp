// expect: error_slice_axis_is_not_below_the_rank<2, 2>
#include <vitrail/ops/slice.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::slice<2, 0, 1>(input<5, 7>());
#else
  vt::slice<1, 0, 1>(input<5, 7>());
#endif
}
