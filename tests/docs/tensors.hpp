// tensors.hpp - the program around fragments of docs/expressions.md.
#include <iostream>
#include <vitrail/nn/to.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

inline vt::Tensor<vt::Shape<2, 3>> a{1, 2, 3, 4, 5, 6};

int main() {
  // fragment
}
