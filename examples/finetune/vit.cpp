// vit.cpp - timm's ViT; other sizes are one line in tuning_bases.hpp and one here.
#include "static_base.hpp"

namespace {

const bool added = (
    known_bases()["vit_tiny_patch16_224"] =
        [](const Options& o) {
          return std::make_unique<StaticBase<Tiny224>>(o, [](const auto& f) { each_lean_method(f); });
        },
    true);

}  // namespace
