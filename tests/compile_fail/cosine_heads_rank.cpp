// expect: error_cosine_heads_input_is_not_of_rank_2<3>
#include <vitrail/ops/cosine_heads.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::cosine_heads(input<2, 5, 24>(), parameter<2>());
#else
  vt::cosine_heads(input<5, 24>(), parameter<2>());
#endif
}
