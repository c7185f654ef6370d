// expect: error_reduction_axis_is_not_one_of_the_input<-3, 2>
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::max<0, -3>(input<5, 7>());
#else
  (void)vt::max<0, -1>(input<5, 7>());
#endif
}
