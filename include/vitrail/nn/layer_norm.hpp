// layer_norm.hpp - layer normalisation with weight and bias.
#pragma once

#include "../ops/layer_norm.hpp"
#include "module.hpp"
#include "param.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

// x [.., D] -> [.., D], eps 1e-6 as in timm's ViT.
template <std::size_t D, class P = cpu>
struct LayerNorm : Module<LayerNorm<D, P>> {
  Param<Shape<D>, P, site::norm, initial::ones> weight;
  Param<Shape<D>, P, site::bias_of<site::norm>> bias;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
  constexpr auto forward(const auto& x) const { return layer_norm(x, weight, bias); }
};

}  // namespace vitrail::inline VITRAIL_TU
