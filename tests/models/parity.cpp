// parity.cpp - a ViT with timm's weights gives timm's logits, loss and gradients; fixtures/make_vit.py made the
// expected values.
#include "parity.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/nn/policy_serial.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig token{.image = 16, .patch = 4, .dim = 24, .depth = 2, .heads = 1, .mlp = 40};
constexpr vt::ViTConfig mean{
    .image = 16, .patch = 4, .dim = 24, .depth = 2, .heads = 3, .mlp = 40, .pool = vt::pooling::mean};

}  // namespace

// The double run shows that the architecture is timm's to the last operation; the float runs, that the kernels are
// right.
TEST_CASE("a ViT with class token pooling equals timm's") {
  parity::compare<vt::ViT<token, 5, vt::serial_double>>("vit_token", 1e-12);
  parity::compare<vt::ViT<token, 5, vt::cpu>>("vit_token", 3e-6);
}
TEST_CASE("a ViT with mean pooling equals timm's") {
  parity::compare<vt::ViT<mean, 5, vt::serial_double>>("vit_mean", 1e-12);
  parity::compare<vt::ViT<mean, 5, vt::cpu>>("vit_mean", 3e-6);
}
