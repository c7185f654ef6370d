// expect: error_matmul_axes_before_the_matrices_differ<
#include <vitrail/ops/matmul.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::matmul(input<2, 4, 5>(), input<3, 5, 6>());
#else
  (void)vt::matmul(input<2, 4, 5>(), input<5, 6>());
#endif
}
