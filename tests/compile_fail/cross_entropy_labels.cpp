// expect: error_cross_entropy_labels_are_not_those_that_the_step_was_given<
// expect: Labels>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/tensor/tensor.hpp>
#include "compile_fail/inputs.hpp"

int main() {
  [[maybe_unused]] const vt::Labels labels{1, 2};
#ifdef SHOULD_FAIL
  vt::cross_entropy(input<10>(), labels);
#else
  vt::cross_entropy(input<10>(), context.labels());
#endif
}
