// expect: error_concat_operand_has_another_rank_than_the_first<2, 2, 1>
#include <vitrail/ops/concat.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::concat<0>(input<5, 7>(), input<2, 7>(), input<7>());
#else
  vt::concat<0>(input<5, 7>(), input<2, 7>(), input<1, 7>());
#endif
}
