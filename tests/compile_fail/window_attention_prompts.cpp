// expect: error_window_attention_prompts_have_other_columns_than_the_tokens<8, 24>
#include <vitrail/ops/window_attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::window_attention<2, vt::Windows{6, 6, 3, 3}>(input<36, 24>(), parameter<2, 9, 9>(), parameter<3, 8>());
#else
  vt::window_attention<2, vt::Windows{6, 6, 3, 3}>(input<36, 24>(), parameter<2, 9, 9>(), parameter<3, 24>());
#endif
}
