// add_vit.hpp - a ViT under its name: with timm's eps, or with that of Hugging Face where the file is theirs.
#pragma once

#include <string>
#include <vitrail/models/vit.hpp>

#include "static_classifier.hpp"

template <vt::ViTConfig C>
bool add_vit(const std::string& name, const vt::Preprocess& how = vt::preprocess_of<vt::ViTBackbone<C>>) {
  return add_model<vt::ViTBackbone<C>, vt::ViTBackbone<C.with_eps(vt::hf_eps)>>(name, how);
}
