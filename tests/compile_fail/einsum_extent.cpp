// expect: error_einsum_axis_has_no_extent_bind_it_with_vt_with<3>
#include <vitrail/ops/einsum.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  (void)vt::einsum<"q (h d), k (h d) -> h q k">(input<5, 8>(), input<7, 8>());
#else
  (void)vt::einsum<"q (h d), k (h d) -> h q k", vt::with{.d = 2}>(input<5, 8>(), input<7, 8>());
#endif
}
