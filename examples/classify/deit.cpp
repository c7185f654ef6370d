// deit.cpp - DeiT with distillation: a second token and a second head.
#include "add_vit.hpp"

namespace {
const bool added = add_vit<vt::deit_tiny_distilled_patch16_224>("deit_tiny_distilled_patch16_224") &&
                   add_vit<vt::deit_small_distilled_patch16_224>("deit_small_distilled_patch16_224") &&
                   add_vit<vt::deit_base_distilled_patch16_224>("deit_base_distilled_patch16_224");
}
