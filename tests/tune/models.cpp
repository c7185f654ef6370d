// models.cpp - LoRA on every model of the library, and in a user's: what trains, as constants; it starts as the base.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <vitrail/models/swin.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/trainable.hpp>

namespace {

namespace site = vt::site;

template <class M, auto... Methods>
constexpr std::size_t count = vt::trainable_count<vt::tuned_module<M, Methods...>>();
using B16 = vt::ViT_B16<>;
static_assert(count<B16, vt::lora{}> == 294'912);
static_assert(count<B16, vt::lora{.on = vt::sites<site::q, site::k, site::v>}> == 442'368);
static_assert(count<B16, vt::lora{.on = vt::sites<site::qkv>}> == 294'912);
static_assert(count<B16, vt::lora{.on = vt::sites<site::q, site::k, site::v, site::proj>}> == 589'824);
static_assert(count<B16, vt::lora{.on = vt::sites<site::q, site::k, site::v, site::proj, site::fc1, site::fc2>}> ==
              1'327'104);
static_assert(count<B16, vt::lora{.on = vt::sites<site::qkv, site::proj, site::fc1, site::fc2>}> == 1'179'648);
static_assert(count<B16, vt::lora{.rank = 16}, vt::head<101>> == 667'493);  // peft's notebook for Food-101
static_assert(count<B16, vt::lora{.magnitude = true}> == 313'344);
static_assert(count<B16, vt::head<10>> == 7'690 && count<B16, vt::head<>> == 769'000);
static_assert(count<vt::Swin_T<>, vt::lora{.on = vt::sites<site::qkv>}> == 141'312);
static_assert(count<vt::Swin_T<>, vt::lora{}> == 141'312);
static_assert(vt::parameter_count<vt::tuned_module<B16, vt::head<10>>>() == vt::parameter_count<B16>() - 990 * 769);
// No gradient of a frozen weight: beside the low-rank products, backward is half of what it was, and what the first
// block's q, k and v give to the frozen embedding is not computed.
using Small = vt::tuned_module<Net, vt::lora{.rank = 1}>;
static_assert(vt::cost_of<Small>(1).backward_flops < vt::cost_of<Net>(1).backward_flops * 6 / 10);

template <auto... Methods, class Model>
void starts_as_its_base(const Model& base) {
  auto tuned = vt::tune<Methods...>(base, vt::seed{2});
  const auto images = some_images<typename Model::module::input>(2);
  CHECK(logits_of(tuned, images) == logits_of(base, images));
}

// A user's model: its own fused layer of three, its own site, and a LoRA by hand.
struct gates {
  struct input;
  struct output;
  using parts = site::together<input, output>;
};
template <class P = vt::cpu>
struct Gated : vt::Module<Gated<P>> {
  using policy = P;
  using input = vt::Shape<6>;
  vt::Linear<6, 16, P, gates> in;
  vt::Lora<vt::Linear<8, 4, P>, vt::lora{.rank = 1, .dropout = 0.5}> out;
  static constexpr void visit(auto& self, auto&& f) {
    f("in", self.in);
    f("out", self.out);
  }
  constexpr auto forward(const auto& x) const {
    vt::Var y = in(x);
    vt::Var a = vt::slice<0, 0, 8>(y), b = vt::slice<0, 8, 16>(y);
    return out(a * vt::sigmoid(b));
  }
};
using TunedGates = vt::tuned_module<Gated<>, vt::lora{.rank = 2, .on = vt::sites<gates::output>}>;
static_assert(std::is_same_v<vt::trainable_parameters<TunedGates>,
                             vt::TypeList<vt::Trainable<"in.lora_A.weight", vt::Shape<2, 6>>,
                                          vt::Trainable<"in.lora_B.weight", vt::Shape<8, 2>>,
                                          vt::Trainable<"out.lora_A.weight", vt::Shape<1, 8>>,
                                          vt::Trainable<"out.lora_B.weight", vt::Shape<4, 1>>>>);
// By hand the weight is frozen as well; the rest trains as the policy says.
static_assert(vt::trainable_count<Gated<>>() == 7 * 16 + 4 + 8 + 4);

}  // namespace

TEST_CASE("LoRA in Swin v2, whose q, k and v have no bias of their own") {
  constexpr vt::SwinConfig config{.image = 16,
                                  .channels = 1,
                                  .patch = 2,
                                  .dim = 8,
                                  .window = 4,
                                  .mlp_ratio = 2,
                                  .depths = {2, 0, 0, 0},
                                  .heads = {2, 0, 0, 0},
                                  .v2 = true};
  const vt::Model<vt::Swin<config, 3>> base(vt::seed{3});
  starts_as_its_base<vt::lora{.rank = 2, .on = vt::sites<site::v, site::fc1>}>(base);
}
TEST_CASE("LoRA on a part of a user's layer, and one by hand with dropout") {
  const vt::Model<Gated<>> base(vt::seed{3});
  auto tuned = vt::tune<vt::lora{.rank = 2, .on = vt::sites<gates::output>}>(base, vt::seed{2});
  const auto vectors = some_images<vt::Shape<6>>(4);
  CHECK(logits_of(tuned, vectors) == logits_of(base, vectors));
  train(tuned, vectors, some_labels(4, 4), 4);
  CHECK(logits_of(tuned, vectors) != logits_of(base, vectors));
}
