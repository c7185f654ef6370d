// expect: error_cross_entropy_logits_are_not_of_rank_1<2>
#include <vitrail/ops/cross_entropy.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::cross_entropy(input<197, 10>(), context.labels());
#else
  vt::cross_entropy(input<10>(), context.labels());
#endif
}
