// expect: error_linear_weight_is_not_of_rank_2<3>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear(input<197, 768>(), parameter<1, 10, 768>());
#else
  vt::linear(input<197, 768>(), parameter<10, 768>());
#endif
}
