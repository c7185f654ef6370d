// expect: error_patch_embedding_image_is_not_divisible_by_the_patch<224, 0>
#include <vitrail/ops/patch_embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 0, 0>(), parameter<768>());
#else
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 16, 16>(), parameter<768>());
#endif
}
