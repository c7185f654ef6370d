// expect: error_attention_input_is_one_for_the_whole_batch_but_others_are_not<5, 8>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention<2>(parameter<5, 8>(), input<6, 16>());
#else
  vt::attention<2>(input<5, 8>(), input<6, 16>());
#endif
}
