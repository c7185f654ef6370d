// swin_formulas.cpp - prompts in the windows of a Swin give the logits and gradients of the published formula, written
// in PyTorch: three images in four windows, shifted ones among them.
#include "catch.hpp"
#include "models/parity.hpp"

#include <vitrail/tune/tune.hpp>

namespace {

namespace vt = vitrail;

constexpr vt::SwinConfig config{.image = 16,
                                .channels = 1,
                                .patch = 2,
                                .dim = 8,
                                .window = 4,
                                .mlp_ratio = 2,
                                .depths = {2, 1, 0, 0},
                                .heads = {2, 4, 0, 0}};
template <vt::visual_prompts Prompts>
using Net = vt::tuned_module<vt::Swin<config, 5, vt::cpu_double>, Prompts>;

}  // namespace

TEST_CASE("prompts of every block, as further keys of all windows, are the published function") {
  parity::compare<Net<vt::visual_prompts{.count = 3, .deep = true}>>("../../tune/fixtures/deep_window_prompts", 1e-12);
}
TEST_CASE("prompts that go through all stages, in the windows of their image, are the published function") {
  parity::compare<Net<vt::visual_prompts{.count = 3}>>("../../tune/fixtures/shallow_window_prompts", 1e-12);
}
