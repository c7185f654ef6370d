// gpu_parity.cpp - a ViT with timm's weights gives timm's logits, loss and gradients on a GPU, real or emulated.
#include "gpu_policies.hpp"
#include "parity.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig token{.image = 16, .patch = 4, .dim = 24, .depth = 2, .heads = 1, .mlp = 40};
}

TEST_CASE("a ViT on a GPU equals timm's") {
  if (!test::gpu_is_there()) return;
  parity::compare<vt::ViT<token, 5, test::gpu_policy>>("vit_token", 3e-6);
  parity::compare<vt::ViT<token, 5, test::gpu_bf16_policy>>("vit_token", 2e-2);
}
