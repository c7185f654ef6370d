// cnn.cpp - a plain CNN.
// smoke: --model cnn --drawn --images 96 --epochs 1 --batch 32 --checkpoint train_vit_cnn_smoke.safetensors
#include "models.hpp"
#include "trainer.hpp"

namespace {
const bool added = add_family<vt::Cnn<cnn_28, 10>, vt::Cnn<cnn_32, 10>>("cnn");
}
