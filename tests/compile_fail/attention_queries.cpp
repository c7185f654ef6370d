// expect: error_attention_queries_are_none_or_more_than_the_tokens<198, 197>
#include <vitrail/ops/attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::attention_of_first<12, 198>(input<197, 2304>());
#else
  vt::attention_of_first<12, 197>(input<197, 2304>());
#endif
}
