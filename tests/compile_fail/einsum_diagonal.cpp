// expect: error_einsum_takes_no_diagonal_but_an_axis_stands_twice_in_one_term<2>
#include <vitrail/ops/einsum.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::einsum<"i i -> i">(input<5, 5>());
#else
  (void)vt::einsum<"i j -> i">(input<5, 5>());
#endif
}
