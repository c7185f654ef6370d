// expect: error_concat_operand_has_another_extent_than_the_first<1, 1, 7, 8>
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::concat<0>(input<5, 7>(), parameter<2, 8>());
#else
  vt::concat<0>(input<5, 7>(), parameter<2, 7>());
#endif
}
