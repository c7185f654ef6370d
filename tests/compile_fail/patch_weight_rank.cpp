// expect: error_patch_embedding_weight_is_not_of_rank_4<2>
#include <vitrail/ops/patch_embedding.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::patch_embedding(input<1, 28, 28>(), parameter<64, 49>(), parameter<64>());
#else
  vt::patch_embedding(input<1, 28, 28>(), parameter<64, 1, 7, 7>(), parameter<64>());
#endif
}
