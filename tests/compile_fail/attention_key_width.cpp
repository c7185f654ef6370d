// expect: error_attention_keys_have_another_width_than_the_queries<8, 12>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<2>(input<5, 8>(), input<6, 12>(), input<6, 12>());
#else
  vt::attention<2>(input<5, 8>(), input<6, 8>(), input<6, 8>());
#endif
}
