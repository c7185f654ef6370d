// expect: error_tune_module_has_no_rebind_to_another_policy<
#include <vitrail/nn/linear.hpp>
#include <vitrail/tune/methods.hpp>

namespace vt = vitrail;

template <std::size_t Width, std::size_t Classes, class P = vt::cpu>
struct Net : vt::Module<Net<Width, Classes, P>> {
  using policy = P;
  using input = vt::Shape<4>;
#ifndef SHOULD_FAIL
  template <class Q>
  using rebind = Net<Width, Classes, Q>;
#endif
  vt::Linear<4, Width, P> body;
  vt::Linear<Width, Classes, P, vt::site::head> head;
  static constexpr void visit(auto& self, auto&& f) {
    f("body", self.body);
    f("head", self.head);
  }
  constexpr auto forward(const auto& x) const { return head(body(x)); }
};

int main() { return vt::trainable_count<vt::tuned_module<Net<8, 3>, vt::head<>>>() == 27 ? 0 : 1; }
