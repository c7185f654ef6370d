// expect: error_linear_weight_is_not_one_for_the_whole_batch<10, 768>
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::linear(input<197, 768>(), input<10, 768>(), parameter<10>());
#else
  vt::linear(input<197, 768>(), context.input<vt::Shape<10, 768>, false>(), parameter<10>());
#endif
}
