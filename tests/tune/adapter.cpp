// adapter.cpp - bottleneck adapters: how many numbers train, where they start, and that tokens stay apart.
#include "catch.hpp"
#include "tune/extras.hpp"

#include <type_traits>

#include <vitrail/inspect/dependence.hpp>
#include <vitrail/nn/trainable.hpp>

namespace {

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
static_assert(std::is_same_v<
              vt::trainable_parameters<Parallel>,
              vt::TypeList<vt::Trainable<"blocks.0.adaptmlp.down_proj.weight", vt::Shape<4, 16>>,
                           vt::Trainable<"blocks.0.adaptmlp.down_proj.bias", vt::Shape<4>>,
                           vt::Trainable<"blocks.0.adaptmlp.up_proj.weight", vt::Shape<16, 4>>,
                           vt::Trainable<"blocks.0.adaptmlp.up_proj.bias", vt::Shape<16>>,
                           vt::Trainable<"blocks.1.adaptmlp.down_proj.weight", vt::Shape<4, 16>>,
                           vt::Trainable<"blocks.1.adaptmlp.down_proj.bias", vt::Shape<4>>,
                           vt::Trainable<"blocks.1.adaptmlp.up_proj.weight", vt::Shape<16, 4>>,
                           vt::Trainable<"blocks.1.adaptmlp.up_proj.bias", vt::Shape<16>>,
                           vt::Trainable<"head.weight", vt::Shape<5, 16>>, vt::Trainable<"head.bias", vt::Shape<5>>>>);

}  // namespace

// Wide enough that no ReLU layer is dead on the one token that the last block computes.
TEST_CASE("adapters of Houlsby and AdaptFormer start as their base and train alone") {
  check_extras<vt::houlsby{.reduction = 4}, vt::adaptformer{.hidden = 8}>(vt::Model<Net>(vt::seed{3}), true);
}

// In the point-wise network of a block an adapter sees one token at a time.
TEST_CASE("what an adapter makes of a token depends on that token alone") {
  CHECK(vt::dependence<vt::Adapter<8, 4, vt::cpu_double>>(vt::Shape<5, 8>{}).is_diagonal());
}
