// expect: error_reduction_axis_is_not_one_of_the_input<2, 2>
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::sum<2>(input<5, 7>());
#else
  (void)vt::sum<-2, 1>(input<5, 7>());
#endif
}
