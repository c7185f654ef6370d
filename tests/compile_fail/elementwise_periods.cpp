// expect: error_elementwise_operands_repeat_with_different_periods_split_with_vt_Var<15, 3>
// elementwise_periods.cpp - two operands that are repeated, with different periods.
#include <vitrail/autodiff/meta.hpp>
#include <vitrail/expr/expression.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/nn/policy_serial.hpp>

namespace vt = vitrail;

int main() {
  vt::Trace trace;
  vt::Meta<vt::serial, true> meta{&trace};
  auto x = meta.input<vt::Shape<5, 3>, true>();
  auto position = meta.input<vt::Shape<5, 3>, false>();
  auto scale = meta.input<vt::Shape<3>, false>();
#ifdef SHOULD_FAIL
  vt::Var y = (x + position) * scale;
#else
  vt::Var h = x + position;
  vt::Var y = h * scale;
#endif
  (void)y;
}
