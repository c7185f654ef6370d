// expect: error_einsum_of_parameters_alone_is_in_no_step<2>
#include <vitrail/ops/einsum.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::einsum<"i j, j -> i">(parameter<5, 7>(), parameter<7>());
#else
  (void)vt::einsum<"i j, j -> i">(parameter<5, 7>(), input<7>());
#endif
}
