// expect: error_attention_columns_are_not_a_multiple_of_heads<8, 3>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<3>(input<5, 8>(), input<6, 16>());
#else
  vt::attention<2>(input<5, 8>(), input<6, 16>());
#endif
}
