// deit.cpp - DeiT with distillation: a second token and a second head.
#include <vitrail/models/vit.hpp>

#include "static_classifier.hpp"

namespace {
const bool added =
    add_model<vt::ViTBackbone<vt::deit_tiny_distilled_patch16_224>>("deit_tiny_distilled_patch16_224") &&
    add_model<vt::ViTBackbone<vt::deit_small_distilled_patch16_224>>("deit_small_distilled_patch16_224") &&
    add_model<vt::ViTBackbone<vt::deit_base_distilled_patch16_224>>("deit_base_distilled_patch16_224");
}
