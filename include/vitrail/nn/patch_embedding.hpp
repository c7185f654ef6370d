// patch_embedding.hpp - an image cut into patches, each linearly projected.
#pragma once

#include "../ops/patch_embedding.hpp"
#include "../ops/rearrange.hpp"
#include "linear.hpp"
#include "module.hpp"
#include "param.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

// A token is a patch, linearly projected. Weight [D, C, p, p] and bias as torch.nn.Conv2d has them, and its initial
// values. image [C, H, W] -> [H / p * W / p, D].
template <std::size_t Channels, std::size_t Patch, std::size_t D, class P = cpu>
struct PatchEmbedding : Module<PatchEmbedding<Channels, Patch, D, P>> {
  using start = initial::uniform_fan_in<Channels * Patch * Patch>;
  Param<Shape<D, Channels, Patch, Patch>, P, site::patch, start> weight;
  Param<Shape<D>, P, site::bias_of<site::patch>, start> bias;

  static constexpr void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
  constexpr auto forward(const auto& image) const { return patch_embedding(image, weight, bias); }
};

// The same without a bias: rows of pixels in the order of the weight's.
template <std::size_t Channels, std::size_t Patch, std::size_t D, class P = cpu>
struct UnbiasedPatchEmbedding : Module<UnbiasedPatchEmbedding<Channels, Patch, D, P>> {
  Param<Shape<D, Channels, Patch, Patch>, P, site::patch, initial::uniform_fan_in<Channels * Patch * Patch>> weight;

  static constexpr void visit(auto& self, auto&& f) { f("weight", self.weight); }
  constexpr auto forward(const auto& image) const {
    Var pixels = rearrange<"c (h p) (w q) -> (h w) (c p q)", with{.p = Patch, .q = Patch}>(image);
    return linear(pixels, detail::as_shape<Shape<D, Channels * Patch * Patch>>(weight));
  }
};

}  // namespace vitrail::inline VITRAIL_TU
