// expect: error_embed_tokens_class_token_has_another_width_than_the_tokens<512, 768>
#include <vitrail/ops/tokens.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::embed_tokens(input<196, 768>(), parameter<512>(), parameter<197, 768>());
#else
  vt::embed_tokens(input<196, 768>(), parameter<768>(), parameter<197, 768>());
#endif
}
