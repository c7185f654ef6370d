// cnn_parity.cpp - plain convolutional networks with PyTorch's weights equal PyTorch's.
#include "torch_parity.hpp"
#include "vitrail/models/cnn.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::CnnConfig cnn_batch{.image = 10, .stage1 = 4, .stage2 = 6, .stage3 = 0};
constexpr vt::CnnConfig cnn_group{
    .image = 10, .stage1 = 4, .stage2 = 6, .stage3 = 0, .norm = vt::channel_norm::group, .groups = 2};
}  // namespace

TEST_CASE("a CNN with batch norms equals PyTorch's") { compare<vt::Cnn<cnn_batch, 5>>("cnn_batch", 5e-6); }
TEST_CASE("a CNN with group norms equals PyTorch's") {
  compare<vt::Cnn<cnn_group, 5, vt::cpu_double>>("cnn_group", 1e-12);
}
