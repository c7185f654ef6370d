// images.cpp - picture files; left out where libpng or TurboJPEG is missing.
// smoke: --base train_vit_smoke.safetensors --data ROOT/tests/data/fixtures/folder --method probe --epochs 2 --batch 4
// after: train_vit.vit
#include <vitrail/io/image_file.hpp>

#include "finetune.hpp"

namespace {
const bool added = (image_reader() = vt::read_image, true);
}
