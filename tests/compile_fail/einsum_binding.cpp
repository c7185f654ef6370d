// expect: error_einsum_binds_an_axis_that_the_pattern_does_not_have<
#include <vitrail/ops/einsum.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::einsum<"q (h d), k (h d) -> h q k", vt::with{.c = 2}>(input<5, 8>(), input<7, 8>());
#else
  (void)vt::einsum<"q (h d), k (h d) -> h q k", vt::with{.h = 2}>(input<5, 8>(), input<7, 8>());
#endif
}
