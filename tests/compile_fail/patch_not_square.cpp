// expect: error_patch_embedding_patches_are_not_square<16, 8>
#include <vitrail/ops/patch_embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 16, 8>(), parameter<768>());
#else
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 16, 16>(), parameter<768>());
#endif
}
