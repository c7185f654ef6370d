// expect: error_operation_has_no_backward_but_a_tracked_value_flows_in<Rounded>
#include <array>

#include "compile_fail/inputs.hpp"

// Something that has no derivative.
struct Rounded {
  using shape = vt::Shape<4>;
  static constexpr const char* name = "rounded";
  template <class P>
  static constexpr vt::Facts facts(std::array<bool, 1>) {
    return {};
  }
};

int main() {
#ifdef SHOULD_FAIL
  vt::apply(&context, Rounded{}, parameter<4>());
#else
  vt::apply(&context, Rounded{}, input<4>());
#endif
}
