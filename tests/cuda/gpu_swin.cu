// gpu_swin.cu - a Swin on vt::gpu: its training step compiles and links for the device.
// test: separate, timeout 300
#include "cuda/gpu_training.hpp"

#include <vitrail/models/swin.hpp>
#include <vitrail/nn/policy_gpu.hpp>

namespace {
constexpr vitrail::SwinConfig tiny{.image = 16,
                                   .channels = 1,
                                   .patch = 2,
                                   .dim = 6,
                                   .window = 4,
                                   .mlp_ratio = 2,
                                   .depths = {2, 1, 0, 0},
                                   .heads = {2, 3, 0, 0}};
template <class P>
using Net = vitrail::Swin<tiny, 3, P>;
}  // namespace

TEST_CASE("a Swin trains on the GPU as on the host") {
  test::check_on_gpu(test::TrainModel<Net>{});
  test::check_on_gpu_bf16(test::TrainModel<Net>{});
}
