// expect: error_embed_tokens_positions_are_not_one_for_the_whole_batch<197, 768>
#include <vitrail/ops/tokens.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::embed_tokens(input<196, 768>(), parameter<768>(), input<197, 768>());
#else
  vt::embed_tokens(input<196, 768>(), parameter<768>(), parameter<197, 768>());
#endif
}
