// expect: error_attention_bias_is_not_heads_by_queries_by_keys<72, 2, 5, 5>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<2>(input<5, 24>(), vt::score_bias(parameter<2, 6, 6>()));
#else
  vt::attention<2>(input<5, 24>(), vt::score_bias(parameter<2, 5, 5>()));
#endif
}
