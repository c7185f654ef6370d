// expect: error_reduction_axis_is_given_twice<-1, 3>
#include <vitrail/ops/reduce.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::mean<2, -1>(input<5, 7, 3>());
#else
  (void)vt::mean<2, -2>(input<5, 7, 3>());
#endif
}
