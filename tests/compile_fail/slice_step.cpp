// expect: error_slice_step_is_zero<1>
#include <vitrail/ops/slice.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::slice<1, 2, 7, 0>(input<5, 7>());
#else
  vt::slice<1, 2, 7, 9>(input<5, 7>());
#endif
}
