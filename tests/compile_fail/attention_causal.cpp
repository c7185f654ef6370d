// expect: error_attention_is_causal_but_has_fewer_keys_than_queries<6, 5>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<2>(input<6, 8>(), input<5, 16>(), vt::causal);
#else
  vt::attention<2>(input<6, 8>(), input<6, 16>(), vt::causal);
#endif
}
