// expect: error_einsum_pattern_is_not_valid<
// einsum_pattern.cpp - a pattern whose result names an axis that no operand has.
#include <vitrail/autodiff/meta.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/ops/einsum.hpp>

namespace vt = vitrail;

int main() {
  vt::Trace trace;
  vt::Meta<vt::cpu, true> meta{&trace};
  auto a = meta.input<vt::Shape<2, 5>, true>();
  auto b = meta.input<vt::Shape<5, 3>, true>();
#ifdef SHOULD_FAIL
  (void)vt::einsum<"n d, d m -> n x">(a, b);
#else
  (void)vt::einsum<"n d, d m -> n m">(a, b);
#endif
}
