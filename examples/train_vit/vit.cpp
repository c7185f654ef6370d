// vit.cpp - a ViT.
// smoke: --model vit --drawn --images 512 --epochs 1 --batch 32 --checkpoint train_vit_smoke.safetensors
#include "models.hpp"
#include "trainer.hpp"

namespace {
const bool added = add_family<vt::ViT<gray_28, 10>, vt::ViT<colour_32, 10>>("vit");
}
