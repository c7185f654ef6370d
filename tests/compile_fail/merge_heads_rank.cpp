// expect: error_merge_heads_input_is_not_of_rank_3<2>
#include <vitrail/ops/heads.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::merge_heads(input<197, 768>());
#else
  vt::merge_heads(input<12, 197, 64>());
#endif
}
