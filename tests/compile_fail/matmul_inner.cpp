// expect: error_matmul_columns_of_the_left_are_not_the_rows_of_the_right<7, 5>
#include <vitrail/ops/matmul.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::matmul(input<4, 7>(), input<5, 6>());
#else
  (void)vt::matmul(input<4, 5>(), input<5, 6>());
#endif
}
