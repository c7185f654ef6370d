// expect: error_linear_input_is_not_of_rank_1_or_more<0>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear(input<>(), parameter<10, 1>());
#else
  vt::linear(input<1>(), parameter<10, 1>());
#endif
}
