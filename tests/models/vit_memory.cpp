// vit_memory.cpp - what steps of the named ViTs need in memory, in constants, and what frozen parameters save.
// test: optimised
#include "catch.hpp"

#include <type_traits>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/memory_cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/trainable.hpp>

namespace vt = vitrail;
namespace site = vt::site;

namespace {

using Base = vt::ViT_B16<>;
template <class Tune>
using Tuned = vt::ViT_B16<vt::with_tuning<vt::cpu, Tune>>;
using Probe = Tuned<vt::train_only<site::head>>;

// A plan against the largest sum of bytes that are alive at once, in per cent of it.
template <class M, class Of = vt::training>
constexpr std::size_t slack_percent = (100 * vt::arena_bytes<M, Of>(8) - 1) / vt::arena_lower_bound<M, Of>(8) - 99;

// Bytes per image of the batched region. 111.5 MB without recomputing; 121.6 if the last block
// computed all tokens.
template <class M, class Of = vt::training, vt::Planning planning = vt::Planning{}>
constexpr std::size_t per_image = vt::arena_bytes<M, Of, planning>(2) - vt::arena_bytes<M, Of, planning>(1);
static_assert(per_image<Base> <= 85'000'000);
static_assert(per_image<Base, vt::inference> <= 4'000'000);
static_assert(per_image<Base, vt::training, vt::Planning{.recompute_share = 0}> > 105'000'000);

// The largest that there is, within the compiler's own limits.
static_assert(vt::arena_bytes<vt::ViT_H14<>>(1) > vt::arena_bytes<vt::ViT_L16<>>(1));
static_assert(vt::activation_bytes<vt::ViT_H14<>>(4) < vt::arena_bytes<vt::ViT_H14<>>(4));

// A linear probe: its backward is the head's product with the gradient, nothing else; no activation but the head's
// input is kept; the optimiser has two variables.
static_assert(vt::cost_of<Probe>(3).backward_flops == 3 * 2 * 768 * 1000);
static_assert(vt::cost_of<Probe>(1).trainable == 769'000);
static_assert(vt::cost_of<Probe>(1).parameters == vt::cost_of<Base>(1).parameters);
static_assert(vt::cost_of<Probe>(1).forward_flops == vt::cost_of<Base>(1).forward_flops);
static_assert(
    std::is_same_v<vt::trainable_parameters<Probe>, vt::TypeList<vt::Trainable<"head.weight", vt::Shape<1000, 768>>,
                                                                 vt::Trainable<"head.bias", vt::Shape<1000>>>>);
static_assert(vt::trainable_parameters<Tuned<vt::train_biases>>::size == 1 + 12 * 6 + 1 + 2);

// The last two blocks: no backward below them, and what theirs needs is kept.
using LastTwo = Tuned<vt::train_last<2>>;
constexpr vt::ViTConfig whole{.whole_last_block = true};
using Whole = vt::ViT<whole, 1000>;
using WholeLastTwo = vt::ViT<whole, 1000, vt::with_tuning<vt::cpu, vt::train_last<2>>>;
constexpr std::size_t block_flops =
    (vt::cost_of<Whole>(1).backward_flops - vt::cost_of<WholeLastTwo>(1).backward_flops) / 10;
static_assert(vt::cost_of<WholeLastTwo>(1).backward_flops > 2 * block_flops * 9 / 10);
static_assert(vt::cost_of<WholeLastTwo>(1).backward_flops < 2 * block_flops * 11 / 10);
// The last block computes the class token alone: a quarter of its products is left, that of keys and values and their
// queries.
static_assert(vt::cost_of<LastTwo>(1).backward_flops > block_flops * 6 / 5);
static_assert(vt::cost_of<LastTwo>(1).backward_flops < block_flops * 13 / 10);
static_assert(vt::activation_bytes<LastTwo>(1) * 5 < vt::activation_bytes<Base>(1));

// Two heads, two losses; the distilled token is one row more.
static_assert(vt::arena_bytes<vt::DeiT_B16_distilled<>>(8) > vt::arena_bytes<Base>(8));
static_assert(vt::arena_bytes<vt::DeiT_B16_distilled<>>(8) < vt::arena_bytes<Base>(8) * 102 / 100);

template <class M>
std::size_t trained_bytes(std::size_t batch) {
  vt::Model<M> model(vt::seed{1});
  auto step = vt::training_step(model, [](const auto& net, const auto& x, const auto& labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels), logits};
  });
  vt::Labels labels;
  labels.resize(batch);
  std::fill_n(labels.data(), batch, 0);
  step(vt::Batch<typename M::input>(batch), labels);
  return step.arena_bytes();
}
template <class M>
std::size_t predicted_bytes(std::size_t batch) {
  const vt::Model<M> model(vt::seed{1});
  auto predict = vt::predictor(model);
  predict(vt::Batch<typename M::input>(batch));
  return predict.arena_bytes();
}

}  // namespace

TEST_CASE("plans are close to the lower bound") {
  CHECK(slack_percent<Base> <= 2);
  CHECK(slack_percent<Base, vt::inference> <= 8);
  CHECK(slack_percent<Tuned<vt::train_biases>> <= 5);
  CHECK(slack_percent<Tuned<vt::train_only<site::qkv, site::head>>> <= 5);
  CHECK(slack_percent<LastTwo> <= 5);
  CHECK(slack_percent<Probe> <= 8);
}

TEST_CASE("the constants are what a step really takes") {
  using Small = vt::ViT_Ti16<>;
  using SmallProbe = vt::ViT_Ti16<vt::with_tuning<vt::cpu, vt::train_only<site::head>>>;
  for (const std::size_t batch : {1, 3}) {
    CHECK(trained_bytes<Small>(batch) == vt::arena_bytes<Small>(batch));
    CHECK(trained_bytes<SmallProbe>(batch) == vt::arena_bytes<SmallProbe>(batch));
    CHECK(predicted_bytes<Small>(batch) == vt::arena_bytes<Small, vt::inference>(batch));
  }
}

TEST_CASE("what is frozen has neither gradients nor moments") {
  using SmallProbe = vt::ViT_Ti16<vt::with_tuning<vt::cpu, vt::train_only<site::head>>>;
  vt::Model<SmallProbe> model(vt::seed{1});
  CHECK(model.trainable().table.size() == 2);
  CHECK(model.trainable().size() == 192 * 1000 + 1008);  // a multiple of 64 bytes each
  auto step = vt::training_step(
      model, [](const auto& net, const auto& x, const auto& l) { return vt::Step{vt::cross_entropy(net(x), l)}; });
  std::size_t backward = 0;
  for (const vt::Event& event : step.plan().events) backward += event.kind == vt::Event::backward;
  CHECK(backward == 2);  // the loss and the head
}
