// expect: error_patch_embedding_bias_has_another_size_than_the_tokens<512, 768>
#include <vitrail/ops/patch_embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 16, 16>(), parameter<512>());
#else
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 16, 16>(), parameter<768>());
#endif
}
