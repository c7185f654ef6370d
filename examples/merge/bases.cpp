// bases.cpp - what the example train_vit saved, and timm's ViT. Another size is a line here and in tuning_bases.hpp.
// smoke: --base train_vit_smoke.safetensors --adapter finetune_smoke/lora-8 --out merged_smoke.safetensors
// after: finetune.train_vit
#include "merge.hpp"

namespace {

void merge_train_vit(const Options& o) {
  if (train_vit_is_grey(vt::Safetensors::open(o.base))) {
    merge<SmallGrey>(o);
  } else {
    merge<SmallColour>(o);
  }
}
const bool added =
    (known_merges()["train_vit"] = merge_train_vit, known_merges()[Tiny224::name] = merge<Tiny224>, true);

}  // namespace
