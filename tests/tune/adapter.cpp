// adapter.cpp - bottleneck adapters: how many numbers train, where they start, that tokens stay apart, and that they go
// with other methods and other models.
#include "catch.hpp"
#include "tune/extras.hpp"

#include <type_traits>

#include <vitrail/inspect/dependence.hpp>
#include <vitrail/models/swin.hpp>
#include <vitrail/nn/trainable.hpp>

namespace {

namespace site = vt::site;

template <auto... Methods>
constexpr std::size_t trains_in_b16 = vt::trainable_count<vt::tuned_module<vt::ViT_B16<>, Methods...>>();
static_assert(trains_in_b16<vt::adaptformer{.hidden = 1}> == 27'660);
static_assert(trains_in_b16<vt::adaptformer{}> == 1'189'632);
static_assert(trains_in_b16<vt::pfeiffer{}> == 894'528);
static_assert(trains_in_b16<vt::pfeiffer{.reduction = 8}> == 1'779'840);
static_assert(trains_in_b16<vt::houlsby{}> == 1'789'056);
static_assert(trains_in_b16<vt::adapter_plus{}> == 12 * (2 * 768 * 8 + 8 + 768 + 768));
static_assert(trains_in_b16<vt::houlsby{}, vt::adaptformer{}> == 1'789'056 + 1'189'632);

// All that an optimiser will have.
using Parallel = vt::tuned_module<Net, vt::adaptformer{.hidden = 4}, vt::head<5>>;
static_assert(std::is_same_v<vt::trainable_parameters<Parallel>,
                             vt::TypeList<vt::Trainable<"blocks.0.adaptmlp.down_proj.weight", vt::Shape<4, 16>>,
                                          vt::Trainable<"blocks.0.adaptmlp.down_proj.bias", vt::Shape<4>>,
                                          vt::Trainable<"blocks.0.adaptmlp.up_proj.weight", vt::Shape<16, 4>>,
                                          vt::Trainable<"blocks.0.adaptmlp.up_proj.bias", vt::Shape<16>>,
                                          vt::Trainable<"blocks.1.adaptmlp.down_proj.weight", vt::Shape<4, 16>>,
                                          vt::Trainable<"blocks.1.adaptmlp.down_proj.bias", vt::Shape<4>>,
                                          vt::Trainable<"blocks.1.adaptmlp.up_proj.weight", vt::Shape<16, 4>>,
                                          vt::Trainable<"blocks.1.adaptmlp.up_proj.bias", vt::Shape<16>>,
                                          vt::Trainable<"head.weight", vt::Shape<5, 16>>,
                                          vt::Trainable<"head.bias", vt::Shape<5>>>>);

}  // namespace

TEST_CASE("adapters of AdaptFormer start as their base and train alone") {
  check_extras<vt::adaptformer{.hidden = 4}>(vt::Model<Net>(vt::seed{3}), true);
}
TEST_CASE("adapters of Houlsby start as their base and train alone") {
  check_extras<vt::houlsby{.reduction = 4}>(vt::Model<Net>(vt::seed{3}), true);
}
TEST_CASE("adapters with a scale for each channel start near their base and train alone") {
  const vt::Model<Net> base(vt::seed{3});
  check_extras<vt::adapter_plus{.hidden = 4}>(base, false);
  const auto images = some_images<Net::input>(6);
  const auto tuned = vt::tune<vt::adapter_plus{.hidden = 4}>(base);
  CHECK(difference(logits_of(tuned, images), logits_of(base, images)) < 1e-3);
}

// In the point-wise network of a block an adapter sees one token at a time.
TEST_CASE("what an adapter makes of a token depends on that token alone") {
  CHECK(vt::dependence<vt::Adapter<8, 4, vt::cpu_double>>(vt::Shape<5, 8>{}).is_diagonal());
}

TEST_CASE("adapters, LoRA and a new head train together; what can be merged is merged") {
  const vt::Model<Net> base(vt::seed{3});
  const auto images = some_images<Net::input>(6);
  auto tuned = vt::tune<vt::lora{.rank = 2}, vt::pfeiffer{.reduction = 4}, vt::head<5>>(base, vt::seed{1});
  using Both = typename decltype(tuned)::module;
  static_assert(vt::trainable_count<Both>() ==
                2 * (2 * 2 * 16 + 2 * 16 * 2) + 2 * (2 * 16 * 4 + 4 + 16) + 5 * 16 + 5);
  train(tuned, images, some_labels(6, 5), 5);
  const auto merged = tuned.merged();
  using Left = typename std::remove_cvref_t<decltype(merged)>::module;
  static_assert(vt::parameter_count<Left>() == vt::parameter_count<vt::tuned_module<Net, vt::pfeiffer{.reduction = 4},
                                                                                  vt::head<5>>>());
  CHECK(difference(logits_of(merged, images), logits_of(tuned, images)) < 1e-5);
}
