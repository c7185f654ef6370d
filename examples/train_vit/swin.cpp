// swin.cpp - a Swin.
// smoke: --model swin --drawn --images 96 --epochs 1 --batch 32 --checkpoint train_vit_swin_smoke.safetensors
#include "models.hpp"
#include "trainer.hpp"

namespace {
const bool added = add_family<vt::Swin<vt::swin_28, 10>, vt::Swin<vt::swin_32, 10>>("swin");
}
