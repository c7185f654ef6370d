// expect: error_attention_fused_keys_and_values_are_not_twice_as_wide_as_the_queries<8, 16>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<2>(input<5, 8>(), input<6, 8>());
#else
  vt::attention<2>(input<5, 8>(), input<6, 16>());
#endif
}
