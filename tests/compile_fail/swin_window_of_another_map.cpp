// expect: error_window_attention_tokens_are_not_those_of_the_map<16, 64>
#include <vitrail/nn/window_attention.hpp>
#include "compile_fail/inputs.hpp"

constexpr vt::WindowedMap large{8, 8, 4}, small{4, 4, 4};

int main() {
#ifdef SHOULD_FAIL
  vt::WindowAttention<12, 2, large>{}(input<16, 12>());
#else
  vt::WindowAttention<12, 2, small>{}(input<16, 12>());
#endif
}
