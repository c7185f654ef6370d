// layer_norm.hpp - layer normalisation with weight and bias.
#pragma once

#include "../ops/layer_norm.hpp"
#include "module.hpp"
#include "param.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

// x [.., D] -> [.., D]. An Eps of 1e-6 is that of timm's ViT. Scale says how the weight starts.
template <std::size_t D, class P = cpu, double Eps = 1e-6, class Scale = initial::ones>
struct LayerNorm : Module<LayerNorm<D, P, Eps, Scale>> {
  Param<Shape<D>, P, site::norm, Scale> weight;
  Param<Shape<D>, P, site::bias_of<site::norm>> bias;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
  constexpr auto forward(const auto& x) const { return layer_norm(x, weight, bias, Eps); }
};

}  // namespace vitrail::inline VITRAIL_TU
