// swin_v2_parity.cpp - a small Swin v2 with timm's weights gives timm's logits, loss and gradients;
// fixtures/make_swin.py made the expected values.
#include "parity.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::SwinConfig v2{.image = 16,
                            .channels = 2,
                            .patch = 2,
                            .dim = 8,
                            .window = 4,
                            .mlp_ratio = 2,
                            .depths = {2, 1, 0, 0},
                            .heads = {1, 2, 0, 0},
                            .v2 = true};

}  // namespace

TEST_CASE("a Swin v2 equals timm's") {
  parity::compare<vt::Swin<v2, 5, vt::serial_double>>("swin_v2", 1e-12);
  parity::compare<vt::Swin<v2, 5, vt::cpu>>("swin_v2", 3e-6);
}
