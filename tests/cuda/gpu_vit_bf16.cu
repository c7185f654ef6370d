// gpu_vit_bf16.cu - a ViT on vt::gpu_bf16: its training step compiles and links for the device.
// test: separate, timeout 300
#include "cuda/gpu_training.hpp"

#include <vitrail/models/vit.hpp>
#include <vitrail/nn/policy_gpu.hpp>

namespace {
constexpr vitrail::ViTConfig small{
    .image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32, .dropout = 0.1};
template <class P>
using Net = vitrail::ViT<small, 3, P>;
}  // namespace

TEST_CASE("a ViT in bf16 trains on the GPU as one in float on the host") {
  test::check_on_gpu_bf16(test::TrainModel<Net>{});
}
