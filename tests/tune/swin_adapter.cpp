// swin_adapter.cpp - adapters in the blocks of a Swin, of both versions.
#include "catch.hpp"
#include "tune/extras.hpp"

#include <vitrail/models/swin.hpp>
#include <vitrail/nn/cost.hpp>

namespace {

constexpr vt::SwinConfig small_swin{.image = 8,
                                    .channels = 1,
                                    .patch = 2,
                                    .dim = 16,
                                    .window = 2,
                                    .mlp_ratio = 2,
                                    .depths = {2, 0, 0, 0},
                                    .heads = {2, 0, 0, 0}};
constexpr vt::SwinConfig second = [] {
  vt::SwinConfig config = small_swin;
  config.v2 = true;
  config.drop_path = 0.1;
  return config;
}();

// An adapter's width follows that of the stage.
template <class Net, auto... Methods>
constexpr std::size_t trains = vt::trainable_count<vt::tuned_module<Net, Methods...>>();
constexpr std::size_t of_width(std::size_t d) { return 2 * d * (d / 16) + d / 16 + d; }
constexpr std::size_t after_mlps = 2 * of_width(96) + 2 * of_width(192) + 6 * of_width(384) + 2 * of_width(768);
static_assert(trains<vt::Swin_T<>, vt::pfeiffer{}> == after_mlps);
static_assert(trains<vt::Swin_T<>, vt::houlsby{}> == 2 * after_mlps);
static_assert(trains<vt::SwinV2_T<>, vt::houlsby{}> == 2 * after_mlps);

// All three places of a block of the second version, with drop path: for 16 tokens in two blocks.
using Second = vt::Swin<second, 3>;
static_assert(vt::cost_of<vt::tuned_module<Second, vt::adaptformer{.hidden = 4}, vt::houlsby{}>>(1).multiply_adds -
                  vt::cost_of<Second>(1).multiply_adds ==
              2 * 16 * (2 * 16 * 4 + 2 * (2 * 16)));

}  // namespace

TEST_CASE("adapters in a Swin start as their base and train alone") {
  check_extras<vt::houlsby{.reduction = 2}, vt::adaptformer{.hidden = 8}>(
      vt::Model<vt::Swin<small_swin, 3>>(vt::seed{3}), true);
}
