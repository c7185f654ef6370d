// linear.hpp - the linear layer, and whatever a tuning policy puts in its place.
#pragma once

#include "../ops/linear.hpp"
#include "module.hpp"
#include "param.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

// x [.., In] -> [.., Out], with a bias; called with a residual [.., Out] it adds that on the way out.
// Starts as in timm: weights normal with deviation 0.02, bias zero.
template <std::size_t In, std::size_t Out, class P, class Site>
struct PlainLinear : Module<PlainLinear<In, Out, P, Site>> {
  Param<Shape<Out, In>, P, Site, initial::normal<std::ratio<2, 100>>> weight;
  Param<Shape<Out>, P, site::bias_of<Site>> bias;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
  constexpr auto forward(const auto& x) const { return linear(x, weight, bias); }
  constexpr auto forward(const auto& x, const auto& residual) const {
    return linear_residual(x, weight, bias, residual);
  }
};

// x [.., In] -> [.., Out] without a bias of its own; one may be given.
template <std::size_t In, std::size_t Out, class P = cpu, class Site = site::none>
struct LinearWithoutBias : Module<LinearWithoutBias<In, Out, P, Site>> {
  Param<Shape<Out, In>, P, Site, initial::normal<std::ratio<2, 100>>> weight;

  static constexpr void visit(auto& self, auto&& f) { f("weight", self.weight); }
  constexpr auto forward(const auto& x) const { return linear(x, weight); }
  constexpr auto forward(const auto& x, const auto& bias) const { return linear(x, weight, bias); }
};

// vt::Linear<768, 3 * 768, P, vt::site::qkv>: a PlainLinear, unless P::tune says otherwise for this site.
template <std::size_t In, std::size_t Out, class P = cpu, class Site = site::none>
using Linear = typename P::tune::template linear<In, Out, P, Site>;

}  // namespace vitrail::inline VITRAIL_TU
