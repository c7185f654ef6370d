// expect: error_operation_has_no_backward_but_a_tracked_value_flows_in<
// expect: CustomOp<Rounded
#include <cmath>
#include <vitrail/ops/custom_op.hpp>
#include "compile_fail/inputs.hpp"

struct Rounded {
  template <class X>
  using shape = X;
  void forward(auto x, auto y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = std::round(x[i]);
  }
};

int main() {
#ifdef SHOULD_FAIL
  vt::custom_op(Rounded{}, input<4>() * parameter<4>());
#else
  vt::custom_op(Rounded{}, input<4>() * 2);
#endif
}
