// resnet_parity.cpp - a small ResNet with torchvision's weights and running statistics equals torchvision's.
#include "torch_parity.hpp"
#include "vitrail/models/resnet.hpp"
#include "vitrail/nn/policy_serial.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ResNetConfig resnet{.image = 20, .width = 4, .layer1 = 1, .layer2 = 1, .layer3 = 0, .layer4 = 0};
template <class P>
using frozen_norms = vt::with_tuning<P, vt::freeze_only<vt::site::norm>>;
}  // namespace

// The double run shows that architecture and statistics are PyTorch's to the last operation; the float run, that the
// kernels are right.
TEST_CASE("a ResNet equals torchvision's") {
  compare<vt::ResNet<resnet, 5, vt::serial_double>>("resnet", 1e-12);
  compare<vt::ResNet<resnet, 5, vt::cpu>>("resnet", 1e-5);
}
TEST_CASE("a ResNet with frozen norms equals torchvision's in evaluation") {
  compare_frozen<vt::ResNet<resnet, 5, frozen_norms<vt::serial_double>>>("resnet", 1e-12);
}
