// gpu_vit.cu - a ViT on vt::gpu: its training step compiles and links for the device.
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

TEST_CASE("without a GPU a model says so") {
  if (test::device_is_there()) return;
  CHECK_THROWS_WITH(vitrail::Model<Net<vitrail::gpu>>(vitrail::seed{1}),
                    Catch::Contains("vt::gpu: ") && Catch::Contains("driver"));
}
TEST_CASE("a ViT trains on the GPU as on the host") { test::check_on_gpu(test::TrainModel<Net>{}); }
