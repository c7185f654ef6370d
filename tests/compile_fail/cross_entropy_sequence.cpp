// expect: error_cross_entropy_labels_are_not_one_for_each_row_of_logits<4, 3>
#include <vitrail/ops/cross_entropy.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::cross_entropy(input<3, 10>(), context.labels<4>());
#else
  vt::cross_entropy(input<3, 10>(), context.labels<3>());
#endif
}
