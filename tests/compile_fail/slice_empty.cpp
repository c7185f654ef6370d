// expect: error_slice_range_is_empty_or_not_within_the_axis<2, 2, 7>
#include <vitrail/ops/slice.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::slice<1, 2, 2>(input<5, 7>());
#else
  vt::slice<1, 2, 3>(input<5, 7>());
#endif
}
