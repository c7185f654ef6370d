// expect: error_heads_input_is_not_of_rank_2<3>
#include <vitrail/ops/heads.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::heads<12>(input<1, 197, 2304>());
#else
  vt::heads<12>(input<197, 2304>());
#endif
}
