// adapters.cu - a ViT with prompts, adapters and LoRA, through nvcc. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/nn/cost.hpp>

#include "tune/extras.hpp"

namespace {

using Published = vt::tuned_module<vt::ViT_B16<>, vt::visual_prompts{.count = 10, .deep = true}, vt::adaptformer{}>;
static_assert(vt::cost_of<Published>(1).trainable == 92'160 + 1'189'632);

}  // namespace

TEST_CASE("prompts, adapters and LoRA that nvcc compiled train on a base that stays") {
  check_extras<vt::visual_prompts{.count = 3, .deep = true}, vt::adaptformer{.hidden = 8}, vt::lora{.rank = 2}>(
      vt::Model<Net>(vt::seed{3}), false);
}
