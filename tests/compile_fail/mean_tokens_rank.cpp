// expect: error_mean_tokens_input_is_not_of_rank_2<3>
#include <vitrail/ops/tokens.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::mean_tokens(input<14, 14, 768>());
#else
  vt::mean_tokens(input<196, 768>());
#endif
}
