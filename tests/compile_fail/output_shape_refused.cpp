// expect: error_linear_last_axis_is_not_in_features<5, 4>
// output_shape_refused.cpp - one error: what follows the operation that refuses its input is silent.
#include <vitrail/nn/accepts.hpp>
#include <vitrail/nn/layer_norm.hpp>
#include <vitrail/nn/linear.hpp>

namespace vt = vitrail;

struct Net : vt::Module<Net> {
  vt::Linear<4, 16> stem;
  vt::LayerNorm<16> norm;
  static constexpr void visit(auto& self, auto&& f) {
    f("stem", self.stem);
    f("norm", self.norm);
  }
  constexpr auto forward(const auto& x) const { return norm(stem(x)); }
};

#ifdef SHOULD_FAIL
using Input = vt::Shape<7, 5>;
#else
using Input = vt::Shape<7, 4>;
#endif
int main() { return vt::output_shape<Net, Input>::size == 7 * 16 ? 0 : 1; }
