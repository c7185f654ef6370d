// pissa_peft.cpp - PiSSAs of peft, saved as LoRAs of twice the rank, have its logits, gradients and merged weights. The
// fixtures are of fixtures/make_pissa.py.
#include "tune/peft_parity.hpp"

namespace {

namespace site = vt::site;

constexpr vt::lora on_timm{.rank = 3, .alpha = 6, .on = vt::sites<site::qkv, site::proj>, .init = vt::lora_init::pissa};
constexpr vt::lora on_transformers{.rank = 2, .alpha = 3, .init = vt::lora_init::pissa};

}  // namespace

TEST_CASE("a PiSSA of peft on timm's ViT") { compare<on_timm>("pissa_timm", vt::peft_names::own); }
TEST_CASE("a PiSSA of peft on transformers' ViT") {
  compare<on_transformers>("pissa_transformers", vt::peft_names::transformers);
}
