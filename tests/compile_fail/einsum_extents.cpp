// expect: error_einsum_shapes_do_not_fit_the_pattern<
// expect: 8, 6>
// einsum_extents.cpp - an axis that has two extents.
#include <vitrail/autodiff/meta.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/ops/einsum.hpp>

namespace vt = vitrail;

int main() {
  vt::Trace trace;
  vt::Meta<vt::cpu, true> meta{&trace};
  auto q = meta.input<vt::Shape<2, 5, 8>, true>();
#ifdef SHOULD_FAIL
  auto k = meta.input<vt::Shape<2, 5, 6>, true>();
#else
  auto k = meta.input<vt::Shape<2, 5, 8>, true>();
#endif
  (void)vt::einsum<"h q d, h k d -> h q k">(q, k);
}
