// train_vit.cpp - what the example train_vit saved.
// smoke: --base train_vit_smoke.safetensors --drawn 200 --epochs 1 --method lora-8 probe --out finetune_smoke
// after: train_vit.vit
#include "static_base.hpp"

std::unique_ptr<Base> load_grey(const Options& o);

namespace {

std::unique_ptr<Base> load(const Options& o) {
  if (train_vit_is_grey(vt::Safetensors::open(o.base))) return load_grey(o);
  return std::make_unique<StaticBase<SmallColour>>(o);
}

const bool added = (known_bases()["train_vit"] = {load, names_of<SmallColour::methods>() + " on coloured images, " +
                                                            names_of<SmallGrey::methods>() + " on grey ones"},
                    true);

}  // namespace
