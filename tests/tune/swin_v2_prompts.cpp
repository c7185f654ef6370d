// swin_v2_prompts.cpp - prompts that go through a Swin v2 whose maps are padded, beside a LoRA.
#include "catch.hpp"
#include "tune/extras.hpp"

#include <vitrail/models/swin.hpp>

namespace {

constexpr vt::SwinConfig padded{.image = 12,
                                .width = 20,
                                .channels = 1,
                                .patch = 2,
                                .dim = 8,
                                .window = 4,
                                .mlp_ratio = 2,
                                .depths = {2, 0, 0, 0},
                                .heads = {2, 0, 0, 0},
                                .v2 = true,
                                .drop_path = 0.1};
using Swin = vt::Swin<padded, 3>;

}  // namespace

TEST_CASE("prompts among the tokens of a Swin v2 do not start as its base, and train alone") {
  // The norms behind its branches start at zero, and their blocks as the identity, so that no prompt would be seen.
  vt::Model<Swin> base(vt::seed{3});
  for (const auto& info : base.trainable().table) {
    if (!info.path.ends_with("norm1.weight") && !info.path.ends_with("norm2.weight")) continue;
    for (std::size_t i = 0; i < info.size; ++i) base.trainable().values[info.offset + i] = 0.5f;
  }
  base.values_changed();
  check_extras<vt::visual_prompts{.count = 2}, vt::lora{.rank = 2}>(base, false);
}
