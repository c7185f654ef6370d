// bases.cpp - what the example train_vit saved, and timm's ViT. Another size is a line here and in tuning_bases.hpp.
// smoke: --base train_vit_smoke.safetensors --adapter finetune_smoke/lora-8 --out merged_smoke.safetensors
// after: finetune.train_vit
#include "merge.hpp"

namespace {

void merge_train_vit(const Options& o) {
  if (train_vit_is_grey(vt::Safetensors::open(o.base))) {
    merge<SmallGrey>(o, [](const auto& f) { each_lean_method(f); });
  } else {
    merge<SmallColour>(o, [](const auto& f) { each_method(f); });
  }
}
void merge_tiny(const Options& o) {
  merge<Tiny224>(o, [](const auto& f) { each_lean_method(f); });
}
const bool added =
    (known_merges()["train_vit"] = merge_train_vit, known_merges()["vit_tiny_patch16_224"] = merge_tiny, true);

}  // namespace
