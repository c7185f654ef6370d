// expect: error_cosine_heads_logits_are_not_one_for_the_whole_batch<2>
#include <vitrail/ops/cosine_heads.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::cosine_heads(input<5, 24>(), input<2>());
#else
  vt::cosine_heads(input<5, 24>(), parameter<2>());
#endif
}
