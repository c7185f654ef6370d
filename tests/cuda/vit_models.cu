// vit_models.cu - the named ViTs through nvcc: what is counted and planned in constants. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/models/vit.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/memory_cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/trainable.hpp>

namespace vt = vitrail;

namespace {

// Every named model is traced in a constant: its shapes, facts and parameters go through the front end, no kernel is
// made.
template <class Model, std::size_t Parameters>
constexpr bool has_parameters = vt::cost_of<Model>(1).parameters == Parameters;
static_assert(has_parameters<vt::ViT_Ti16<>, 5'717'416>);
static_assert(has_parameters<vt::ViT_S32<>, 22'878'952>);
static_assert(has_parameters<vt::ViT_S16<>, 22'050'664>);
static_assert(has_parameters<vt::ViT_B32<>, 88'224'232>);
static_assert(has_parameters<vt::ViT_B16<>, 86'567'656>);
static_assert(has_parameters<vt::ViT_B16_384<>, 86'859'496>);
static_assert(has_parameters<vt::ViT_B8<>, 86'576'872>);
static_assert(has_parameters<vt::ViT_L32<>, 306'535'400>);
static_assert(has_parameters<vt::ViT_L16<>, 304'326'632>);
static_assert(has_parameters<vt::ViT_L14<>, 304'203'752>);
static_assert(has_parameters<vt::ViT_H14<>, 632'045'800>);
static_assert(has_parameters<vt::DeiT_Ti16_distilled<>, 5'910'800>);
static_assert(has_parameters<vt::DeiT_S16_distilled<>, 22'436'432>);
static_assert(has_parameters<vt::DeiT_B16_distilled<>, 87'338'192>);
// Plans are constants too, for the largest model and for a frozen one.
static_assert(vt::arena_bytes<vt::ViT_H14<>>(1) > vt::activation_bytes<vt::ViT_H14<>>(1));
using Probe = vt::ViT_B16<vt::with_tuning<vt::cpu, vt::train_only<vt::site::head>>>;
static_assert(vt::arena_bytes<Probe>(1) < 4'000'000 && vt::trainable_parameters<Probe>::size == 2);

}  // namespace

TEST_CASE("a constant is what is counted at run time") {
  CHECK(vt::Model<vt::ViT_Ti16<>>::parameters().size() == 152);
  CHECK(vt::cost_of<vt::ViT_Ti16<>>(2).multiply_adds == 2 * vt::cost_of<vt::ViT_Ti16<>>(1).multiply_adds);
}
