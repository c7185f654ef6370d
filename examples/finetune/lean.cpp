// lean.cpp - the grey images of train_vit, and timm's ViT. Another size is a line here and in tuning_bases.hpp.
#include "static_base.hpp"

namespace {

template <class B>
std::unique_ptr<Base> load(const Options& o) {
  return std::make_unique<StaticBase<B>>(o);
}
const bool added = (known_bases()[Tiny224::name] = {load<Tiny224>, names_of<Tiny224::methods>()}, true);

}  // namespace

std::unique_ptr<Base> load_grey(const Options& o) { return load<SmallGrey>(o); }
