// images.cpp - picture files; left out where libpng or TurboJPEG is missing.
// smoke: --model train_vit --weights train_vit_smoke.safetensors --images ROOT/tests/io/fixtures/images/colour.jpg
// after: train_vit.vit
#include <vitrail/io/image_file.hpp>

#include "classifier.hpp"

namespace {
const bool added = (image_reader() = vt::read_image, true);
}
