// expect: error_permute_axes_are_not_each_of_0_to_rank_once<1, 0, 1>
#include <vitrail/ops/permute.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::permute<1, 0, 1>(input<5, 7, 3>());
#else
  vt::permute<1, 0, 2>(input<5, 7, 3>());
#endif
}
