// tensors.hpp - the program around fragments of docs/expressions.md.
#include <iostream>
#include <vitrail/nn/to.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

struct Softsign {  // x / (1 + |x|)
  template <class L>
  VITRAIL_FUNCTION L value(const L& x) const {
    return x / (vt::constant<L>(1) + vt::abs(x));
  }
  template <class L>
  VITRAIL_FUNCTION L derivative(const L& x, const L&) const {
    const L d = vt::constant<L>(1) + vt::abs(x);
    return vt::constant<L>(1) / (d * d);
  }
};
inline vt::Tensor<vt::Shape<2, 3>> a{1, 2, 3, 4, 5, 6};

int main() {
  // fragment
}
