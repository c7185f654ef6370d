// expect: error_permute_has_another_number_of_axes_than_the_input<2, 3>
#include <vitrail/ops/permute.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::permute<1, 0>(input<5, 7, 3>());
#else
  vt::permute<1, 0, 2>(input<5, 7, 3>());
#endif
}
