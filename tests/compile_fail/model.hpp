// model.hpp - a small model, for what can be wrong with its steps.
#pragma once

#include <vitrail/nn/linear.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy.hpp>

namespace vt = vitrail;

struct Net : vt::Module<Net> {
  using policy = vt::cpu;
  using input = vt::Shape<4>;
  vt::Linear<4, 3, vt::cpu> proj;
  static constexpr void visit(auto& self, auto&& f) { f("proj", self.proj); }
  constexpr auto forward(const auto& x) const { return proj(x); }
};
