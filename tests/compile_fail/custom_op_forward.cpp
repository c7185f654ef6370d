// expect: error_custom_op_forward_cannot_be_called_with_its_inputs_and_result<Twice
#include <vitrail/ops/custom_op.hpp>
#include "compile_fail/inputs.hpp"

struct Twice {
  template <class X>
  using shape = X;
#ifdef SHOULD_FAIL
  void forward(auto x) const {
    for (auto& v : x) v *= 2;
  }
#else
  void forward(auto x, auto y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = 2 * x[i];
  }
#endif
};

int main() { vt::custom_op(Twice{}, input<4>()); }
