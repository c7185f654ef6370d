// peft.cpp - adapters that Hugging Face's peft has written, and those written for it. The fixtures are of
// fixtures/make_adapters.py.
#include "tune/peft_parity.hpp"

namespace site = vt::site;

TEST_CASE("a LoRA of peft on timm's ViT") {
  compare<vt::lora{.rank = 4, .alpha = 6, .on = vt::sites<site::qkv, site::proj>}, vt::head<>>("lora_timm",
                                                                                               vt::peft_names::own);
}
TEST_CASE("a DoRA of peft on transformers' ViT") {
  compare<vt::lora{.rank = 2, .alpha = 3, .rank_stabilised = true, .magnitude = true}, vt::head<>>(
      "dora_transformers", vt::peft_names::transformers);
}
