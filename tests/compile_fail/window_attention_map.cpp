// expect: error_window_attention_map_is_not_divisible_into_windows<6, 7, 3, 3>
#include <vitrail/ops/window_attention.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  vt::window_attention<2, vt::Windows{6, 7, 3, 3}>(input<42, 24>(), parameter<2, 9, 9>());
#else
  vt::window_attention<2, vt::Windows{6, 6, 3, 3}>(input<36, 24>(), parameter<2, 9, 9>());
#endif
}
