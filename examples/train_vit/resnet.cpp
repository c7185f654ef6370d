// resnet.cpp - ResNet-20.
// smoke: --model resnet --drawn --images 96 --epochs 1 --batch 32 --checkpoint train_vit_resnet_smoke.safetensors
#include "models.hpp"
#include "trainer.hpp"

namespace {
const bool added = add_family<vt::ResNet<resnet_28, 10>, vt::ResNet<vt::resnet20_cifar, 10>>("resnet");
}
