// swin_prompts.cpp - visual prompts in a Swin: how many numbers train, what they cost, where they start.
#include "catch.hpp"
#include "tune/extras.hpp"

#include <vitrail/models/swin.hpp>
#include <vitrail/nn/cost.hpp>

namespace {

constexpr vt::visual_prompts deep{.count = 3, .deep = true}, shallow{.count = 3};
constexpr vt::SwinConfig small_swin{.image = 16,
                                    .channels = 1,
                                    .patch = 2,
                                    .dim = 8,
                                    .window = 4,
                                    .mlp_ratio = 2,
                                    .depths = {2, 1, 0, 0},
                                    .heads = {2, 4, 0, 0}};
using Swin = vt::Swin<small_swin, 3>;

template <class Net, auto... Methods>
constexpr std::size_t trains = vt::trainable_count<vt::tuned_module<Net, Methods...>>();
static_assert(trains<vt::Swin_T<>, deep> == 3 * (2 * 96 + 2 * 192 + 6 * 384 + 2 * 768));
static_assert(trains<vt::SwinV2_T<>, deep> == trains<vt::Swin_T<>, deep>);
static_assert(trains<vt::Swin_T<>, shallow> == 3 * 96);
// A deep prompt costs each token of an image two products with it in every block; its own keys and values are computed
// once for a batch.
constexpr std::size_t of_images(std::size_t one, std::size_t two) { return two - one; }
using Deep = vt::tuned_module<Swin, deep>;
static_assert(of_images(vt::cost_of<Deep>(1).multiply_adds, vt::cost_of<Deep>(2).multiply_adds) -
                  vt::cost_of<Swin>(1).multiply_adds ==
              2 * 3 * (2 * 64 * 8 + 16 * 16));

}  // namespace

TEST_CASE("deep prompts in a Swin do not start as its base, and train alone") {
  check_extras<deep>(vt::Model<Swin>(vt::seed{3}), false);
}
