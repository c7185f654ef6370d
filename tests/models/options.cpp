// options.cpp - the options of a ViT give timm's logits, loss and gradients; fixtures/make_vit_options.py made the
// expected values.
#include "parity.hpp"
#include "vitrail/io/checkpoint.hpp"

namespace vt = vitrail;

TEST_CASE("a distilled ViT equals timm's: two heads in training, their mean in evaluation") {
  parity::compare<vt::ViT<options::distilled, 5, vt::cpu_double>>("vit_distilled", 1e-12);
}
TEST_CASE("layer scale, qk-norm, registers and patches' positions alone equal timm's") {
  parity::compare<vt::ViT<options::registers, 5, vt::cpu_double>>("vit_registers", 1e-12);
  parity::compare<vt::ViT<options::registers, 5, vt::cpu>>("vit_registers", 3e-6);
}
