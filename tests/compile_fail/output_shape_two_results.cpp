// expect: error_forward_does_not_return_one_Var<
#include <vitrail/nn/accepts.hpp>
#include <vitrail/ops/heads.hpp>

namespace vt = vitrail;

struct Split : vt::Module<Split> {
  static constexpr void visit(auto&, auto&&) {}
#ifdef SHOULD_FAIL
  constexpr auto forward(const auto& x) const { return vt::heads<2, 2>(x); }
#else
  constexpr auto forward(const auto& x) const { return std::get<0>(vt::heads<2, 2>(x)); }
#endif
};

int main() { return vt::output_shape<Split, vt::Shape<5, 8>>::size == 20 ? 0 : 1; }
