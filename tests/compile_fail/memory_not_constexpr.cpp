// expect: error_forward_is_not_constexpr_but_a_constant_was_asked_for<Net>
#include <vitrail/nn/linear.hpp>
#include <vitrail/nn/memory_cost.hpp>

namespace vt = vitrail;

struct Net : vt::Module<Net> {
  using policy = vt::cpu;
  using input = vt::Shape<4>;
  vt::Linear<4, 3> proj;
  static constexpr void visit(auto& self, auto&& f) { f("proj", self.proj); }
#ifndef SHOULD_FAIL
  constexpr
#endif
      auto
      forward(const auto& x) const {
    return proj(x);
  }
};

static_assert(vt::arena_bytes<Net>(1) > 0);

int main() {}
