// expect: error_custom_op_has_no_result_shape_for_inputs_of_these_shapes<Scale
// expect: Shape<197, 768>
// expect: Shape<512>
#include <vitrail/ops/custom_op.hpp>
#include "compile_fail/inputs.hpp"

struct Scale {
  template <class X, class W>
  requires(X::last == W::size) using shape = X;
  void forward(auto x, auto w, auto y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * w[i % w.size()];
  }
  void backward(auto, auto, auto, auto, auto, auto) const {}
};

int main() {
#ifdef SHOULD_FAIL
  vt::custom_op(Scale{}, input<197, 768>(), parameter<512>());
#else
  vt::custom_op(Scale{}, input<197, 768>(), parameter<768>());
#endif
}
