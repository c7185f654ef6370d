// gpu_cnn.cu - a CNN with batch norms on vt::gpu: its training step compiles and links for the device.
// test: separate, timeout 300
#include "cuda/gpu_training.hpp"

#include <vitrail/models/cnn.hpp>
#include <vitrail/nn/policy_gpu.hpp>

namespace {
constexpr vitrail::CnnConfig tiny{.image = 8, .channels = 1, .stage1 = 4, .stage2 = 6, .stage3 = 0};
template <class P>
using Net = vitrail::Cnn<tiny, 3, P>;
}  // namespace

TEST_CASE("a CNN trains on the GPU as on the host") { test::check_on_gpu(test::TrainModel<Net>{}); }
