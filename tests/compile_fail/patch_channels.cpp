// expect: error_patch_embedding_image_has_another_number_of_channels<1, 3>
#include <vitrail/ops/patch_embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::patch_embedding(input<1, 224, 224>(), parameter<768, 3, 16, 16>(), parameter<768>());
#else
  vt::patch_embedding(input<3, 224, 224>(), parameter<768, 3, 16, 16>(), parameter<768>());
#endif
}
