// expect: error_attention_input_is_not_of_rank_2<3>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<12>(input<12, 197, 192>());
#else
  vt::attention<12>(input<197, 2304>());
#endif
}
