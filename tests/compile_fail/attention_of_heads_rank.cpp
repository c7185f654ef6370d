// expect: error_attention_of_heads_input_is_not_of_rank_3<2>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention(input<5, 8>(), input<6, 8>(), input<6, 8>());
#else
  vt::attention(input<2, 5, 4>(), input<2, 6, 4>(), input<2, 6, 4>());
#endif
}
