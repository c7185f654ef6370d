// expect: a parameter and the step have different value types
#include <vitrail/ops/linear.hpp>
#include "compile_fail/inputs.hpp"

int main() {
#ifdef SHOULD_FAIL
  using value = double;
#else
  using value = float;
#endif
  vt::linear(input<197, 768>(), vt::Parameter<vt::Shape<10, 768>, value, true, true, void>{});
}
