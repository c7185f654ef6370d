// gpu_mixed.cpp - models whose values of samples lie as bf16, on the emulated GPU.
#include "gpu_models.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig small{.image = 12,
                              .channels = 1,
                              .patch = 4,
                              .dim = 16,
                              .depth = 2,
                              .heads = 2,
                              .mlp = 32,
                              .dropout = 0.1,
                              .drop_path = 0.1};
template <class P>
using Net = vt::ViT<small, 3, P>;
}  // namespace

TEST_CASE("a ViT in bf16 trains as one in float") {
  const auto numbers = test::train<Net<test::emulated_gpu_mixed>>();
  test::check_close(numbers, test::train<Net<vt::cpu>>(), 2e-2);
}
