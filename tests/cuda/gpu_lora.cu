// gpu_lora.cu - LoRA on a base that is on the GPU: its training step compiles and links for the device.
// test: separate, timeout 300
#include "cuda/gpu_training.hpp"

#include <vitrail/models/vit.hpp>
#include <vitrail/nn/policy_gpu.hpp>
#include <vitrail/tune/tune.hpp>

namespace {
constexpr vitrail::ViTConfig config{
    .image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
constexpr vitrail::lora low{.rank = 4};
struct TrainTuned {
  template <class P>
  std::vector<float> operator()(bool graphs) const {
    const vitrail::Model<vitrail::ViT<config, 3, P>> base(vitrail::seed{1}, vitrail::backend{.threads = 2});
    auto tuned = vitrail::tune<low, vitrail::head<3>>(base, vitrail::seed{2});
    return test::losses_and_logits(tuned, graphs);
  }
};
}  // namespace

TEST_CASE("a LoRA trains on the GPU as on the host") {
  test::check_on_gpu(TrainTuned{});
  test::check_on_gpu_bf16(TrainTuned{});
}
