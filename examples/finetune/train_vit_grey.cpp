// train_vit_grey.cpp - the grey ones of train_vit.
#include "static_base.hpp"

std::unique_ptr<Base> load_grey(const Options& o) {
  return std::make_unique<StaticBase<SmallGrey>>(o, [](const auto& f) { each_lean_method(f); });
}
