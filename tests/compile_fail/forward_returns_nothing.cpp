// expect: error_forward_returns_nothing<Net>
#include <vitrail/nn/linear.hpp>
#include "compile_fail/inputs.hpp"

struct Net : vt::Module<Net> {
  vt::Linear<4, 3, vt::cpu> proj;
  static constexpr void visit(auto& self, auto&& f) { f("proj", self.proj); }
  constexpr auto forward(const auto& x) const {
#ifdef SHOULD_FAIL
    proj(x);
#else
    return proj(x);
#endif
  }
};

int main() { Net{}(input<4>()); }
