// swin_parity.cpp - small Swins with the weights of timm's and torchvision's give their logits, loss and gradients;
// fixtures/make_swin.py made the expected values.
#include "parity.hpp"

namespace vt = vitrail;

namespace {

// Maps of 8 x 16 and 4 x 8: in the second, windows are shifted in one direction only.
constexpr vt::SwinConfig wide{.image = 16,
                              .width = 32,
                              .channels = 2,
                              .patch = 2,
                              .dim = 8,
                              .window = 4,
                              .mlp_ratio = 2,
                              .depths = {2, 2, 0, 0},
                              .heads = {1, 2, 0, 0}};
// Maps of 9 x 9 and 5 x 5, which windows of 4 x 4 do not divide.
constexpr vt::SwinConfig padded{
    .image = 18, .patch = 2, .dim = 8, .window = 4, .mlp_ratio = 2, .depths = {2, 2, 0, 0}, .heads = {1, 2, 0, 0}};

}  // namespace

TEST_CASE("a Swin of an image that is not square equals timm's") {
  parity::compare<vt::Swin<wide, 5, vt::serial_double>>("swin_wide", 1e-12);
  parity::compare<vt::Swin<wide, 5, vt::cpu>>("swin_wide", 3e-6);
}
TEST_CASE("a Swin whose windows do not divide its maps equals torchvision's") {
  parity::compare<vt::Swin<padded, 5, vt::cpu>>("swin_padded", 3e-6);
}
