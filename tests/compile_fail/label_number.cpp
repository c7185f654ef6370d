// expect: error_label_number_is_not_below_the_labels_of_a_sample<
// expect: 2, 2>
#include <vitrail/ops/cross_entropy.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::cross_entropy(input<10>(), vt::label<2>(context.labels<2>()));
#else
  vt::cross_entropy(input<10>(), vt::label<1>(context.labels<2>()));
#endif
}
