// expect: error_patch_embedding_weight_is_not_one_for_the_whole_batch<768, 3, 16>
#include <vitrail/ops/patch_embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::patch_embedding(input<3, 224, 224>(), input<768, 3, 16, 16>(), parameter<768>());
#else
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 16, 16>(), parameter<768>());
#endif
}
