// adapters.cu - a ViT and a Swin with prompts, adapters and LoRA, through nvcc, run on the host. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/models/swin.hpp>
#include <vitrail/nn/cost.hpp>

#include "tune/extras.hpp"

namespace {

// Methods are named: nvcc does not take braces within template arguments everywhere.
constexpr vt::adaptformer parallel{.hidden = 8};
constexpr vt::houlsby after_both{};
constexpr vt::visual_prompts shallow{.count = 10}, deep{.count = 10, .deep = true};
constexpr vt::lora low{.rank = 2, .init = vt::lora_init::pissa};
template <class M, auto... Methods>
constexpr std::size_t trainable = vt::cost_of<vt::tuned_module<M, Methods...>>(1).trainable;
static_assert(trainable<vt::ViT_B16<>, parallel> == 156'768);
static_assert(trainable<vt::ViT_B16<>, shallow> == 7'680);
static_assert(trainable<vt::ViT_B16<>, deep, after_both> == 92'160 + 1'789'056);
static_assert(trainable<vt::Swin_T<>, deep, after_both> > 44'160);

constexpr vt::SwinConfig small_swin{.image = 8,
                                    .channels = 1,
                                    .patch = 2,
                                    .dim = 8,
                                    .window = 2,
                                    .mlp_ratio = 2,
                                    .depths = {2, 0, 0, 0},
                                    .heads = {2, 0, 0, 0}};

}  // namespace

TEST_CASE("nvcc: prompts, adapters and LoRA train on a base that stays") {
  check_extras<deep, parallel, low>(vt::Model<Net>(vt::seed{3}), false);
}
TEST_CASE("nvcc: prompts in shifted windows train") {
  const vt::Model<vt::Swin<small_swin, 3>> base(vt::seed{3});
  auto tuned = vt::tune<deep>(base, vt::seed{1});
  check_two_steps_reach_everything(tuned, some_images<vt::Swin<small_swin, 3>::input>(3), some_labels(3, 3));
}
