// vit.cpp - ViT, and DeiT without distillation, which differs by its weights and their pixels only.
#include "add_vit.hpp"

namespace {

template <vt::ViTConfig C>
bool add(const std::string& size) {
  return add_vit<C>("vit_" + size) &&
         add_vit<C>("deit_" + size, vt::preprocess_of<vt::ViTBackbone<C>>.with(vt::imagenet_pixels));
}
const bool added =
    add<vt::vit_tiny_patch16_224>("tiny_patch16_224") && add<vt::vit_small_patch16_224>("small_patch16_224") &&
    add<vt::vit_base_patch16_224>("base_patch16_224") && add_vit<vt::vit_large_patch16_224>("vit_large_patch16_224");

}  // namespace
