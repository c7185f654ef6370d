// lean.cpp - bases with few methods: the grey ones of train_vit, and timm's ViT. Other sizes are a line in
// tuning_bases.hpp and one here.
#include "static_base.hpp"

namespace {

template <class B>
std::unique_ptr<Base> load(const Options& o) {
  return std::make_unique<StaticBase<B>>(o, [](const auto& f) { each_lean_method(f); });
}
const bool added = (known_bases()["vit_tiny_patch16_224"] = load<Tiny224>, true);

}  // namespace

std::unique_ptr<Base> load_grey(const Options& o) { return load<SmallGrey>(o); }
