// expect: error_custom_op_is_not_trivially_copyable<Shift>
#include <vector>
#include <vitrail/ops/custom_op.hpp>
#include "compile_fail/inputs.hpp"

struct Shift {
  template <class X>
  using shape = X;
#ifdef SHOULD_FAIL
  std::vector<float> by{1};
#else
  float by[1] = {1};
#endif
  void forward(auto x, auto y) const {
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] + by[0];
  }
};

int main() { vt::custom_op(Shift{}, input<4>()); }
