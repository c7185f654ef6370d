// expect: error_einsum_pattern_is_not_valid<
// expect: wrong_number_of_operands
#include <vitrail/ops/einsum.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::einsum<"i, i -> i">(input<5>(), input<5>(), input<5>());
#else
  (void)vt::einsum<"i, i, i -> i">(input<5>(), input<5>(), input<5>());
#endif
}
