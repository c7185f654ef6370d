// vit.cpp - ViT, and DeiT without distillation, which differs by its weights and their pixels only.
#include <vitrail/models/vit.hpp>

#include "static_classifier.hpp"

namespace {

template <class Backbone>
bool add(const std::string& size) {
  return add_model<Backbone>("vit_" + size) &&
         add_model<Backbone>("deit_" + size, vt::preprocess_of<Backbone>.with(vt::imagenet_pixels));
}
const bool added = add<vt::ViTBackbone<vt::vit_tiny_patch16_224>>("tiny_patch16_224") &&
                   add<vt::ViTBackbone<vt::vit_small_patch16_224>>("small_patch16_224") &&
                   add<vt::ViTBackbone<vt::vit_base_patch16_224>>("base_patch16_224") &&
                   add_model<vt::ViTBackbone<vt::vit_large_patch16_224>>("vit_large_patch16_224");

}  // namespace
