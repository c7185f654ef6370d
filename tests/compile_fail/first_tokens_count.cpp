// expect: error_first_tokens_are_none_or_more_than_there_are<198, 197>
#include <vitrail/ops/tokens.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::first_tokens<198>(input<197, 768>());
#else
  vt::first_tokens<197>(input<197, 768>());
#endif
}
