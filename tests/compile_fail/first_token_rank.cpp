// expect: error_first_tokens_input_is_not_of_rank_2<1>
#include <vitrail/ops/tokens.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::first_token(input<768>());
#else
  vt::first_token(input<197, 768>());
#endif
}
