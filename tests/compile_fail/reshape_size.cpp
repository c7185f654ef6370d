// expect: error_reshape_has_another_number_of_elements<36, 35>
#include <vitrail/ops/move.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::reshape<vt::Shape<6, 6>>(input<5, 7>());
#else
  vt::reshape<vt::Shape<7, 5>>(input<5, 7>());
#endif
}
