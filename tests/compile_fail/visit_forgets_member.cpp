// expect: error_visit_does_not_list_every_member<
// expect: , 2, 1>
#include <vitrail/nn/linear.hpp>
#include <vitrail/nn/policy.hpp>

#include "compile_fail/inputs.hpp"

struct Two : vt::Module<Two> {
  vt::Linear<4, 4, vt::cpu> first, second;
  static constexpr void visit(auto& self, auto&& f) {
    f("first", self.first);
#ifndef SHOULD_FAIL
    f("second", self.second);
#endif
  }
  constexpr auto forward(const auto& x) const { return second(first(x)); }
};

int main() { Two{}(input<4>()); }
