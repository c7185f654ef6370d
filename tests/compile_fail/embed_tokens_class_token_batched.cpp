// expect: error_embed_tokens_class_token_is_not_one_for_the_whole_batch<768>
#include <vitrail/ops/tokens.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::embed_tokens(input<196, 768>(), input<768>(), parameter<197, 768>());
#else
  vt::embed_tokens(input<196, 768>(), parameter<768>(), parameter<197, 768>());
#endif
}
