// expect: error_attention_values_have_another_shape_than_the_keys<56, 48>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<2>(input<5, 8>(), input<6, 8>(), input<7, 8>());
#else
  vt::attention<2>(input<5, 8>(), input<6, 8>(), input<6, 8>());
#endif
}
