// frozen.cpp - tunings: which parameter trains, for each site and block, how tunings combine, and the list that comes
// of it. Nearly all of it is types.
#include "catch.hpp"

#include <vitrail/nn/block.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/nn/stack.hpp>
#include <vitrail/nn/trainable.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

namespace vt = vitrail;
namespace site = vt::site;

namespace {

template <class Tune, class... Sites>
constexpr bool trains = (Tune::template trains<Sites> && ...);
template <class Tune, class... Sites>
constexpr bool freezes = (!Tune::template trains<Sites> && ...);
template <class Site>
using bias_of = site::bias_of<Site>;
struct mine {};  // a user's site

// A layer's name means weight and bias, bias_of its bias alone, bias every bias.
static_assert(trains<vt::train_only<site::qkv>, site::qkv, bias_of<site::qkv>>);
static_assert(freezes<vt::train_only<site::qkv>, site::proj, bias_of<site::proj>, site::none, mine, bias_of<mine>>);
static_assert(trains<vt::train_only<bias_of<site::qkv>>, bias_of<site::qkv>>);
static_assert(freezes<vt::train_only<bias_of<site::qkv>>, site::qkv, bias_of<site::proj>>);
static_assert(trains<vt::train_only<mine, site::bias>, mine, bias_of<mine>, bias_of<site::norm>, bias_of<site::none>>);
static_assert(freezes<vt::train_only<site::bias>, mine, site::norm, site::embedding>);
static_assert(freezes<vt::train_only<>, site::none, site::head> && trains<vt::freeze_only<>, site::none, site::head>);
static_assert(freezes<vt::freeze_only<site::patch, mine>, site::patch, bias_of<site::patch>, mine, bias_of<mine>>);
static_assert(trains<vt::freeze_only<site::patch, mine>, site::none, site::head, site::embedding, bias_of<site::qkv>>);
static_assert(trains<vt::freeze_only<site::bias>, site::qkv> && freezes<vt::freeze_only<site::bias>, bias_of<mine>>);
static_assert(trains<vt::train_biases, bias_of<site::patch>, bias_of<site::fc1>, site::head, bias_of<site::head>>);
static_assert(freezes<vt::train_biases, site::patch, site::fc1, site::norm, site::embedding>);

// The tuning of a block.
template <class Tune, std::size_t I, std::size_t Depth, class Expected>
constexpr bool block_has = std::is_same_v<vt::block_tuning<Tune, I, Depth>, Expected>;
static_assert(block_has<vt::train_biases, 3, 5, vt::train_biases>);  // says nothing about blocks
static_assert(block_has<vt::freeze_first<2>, 1, 5, vt::freeze_all> &&
              block_has<vt::freeze_first<2>, 2, 5, vt::train_all>);
static_assert(block_has<vt::freeze_first<0>, 0, 5, vt::train_all> &&
              block_has<vt::freeze_first<5>, 4, 5, vt::freeze_all>);
static_assert(block_has<vt::train_last<2>, 2, 5, vt::freeze_all> && block_has<vt::train_last<2>, 3, 5, vt::train_all>);
static_assert(block_has<vt::train_last<0>, 4, 5, vt::freeze_all> && block_has<vt::train_last<5>, 0, 5, vt::train_all>);
static_assert(freezes<vt::freeze_first<2>, site::patch, bias_of<site::patch>, site::embedding>);
static_assert(trains<vt::freeze_first<2>, site::norm, site::head, site::qkv>);

// Together: any and both, also block by block.
using Any = vt::train_any<vt::freeze_first<2>, vt::train_biases>;
static_assert(block_has<Any, 0, 5, vt::train_any<vt::freeze_all, vt::train_biases>>);
static_assert(block_has<Any, 4, 5, vt::train_any<vt::train_all, vt::train_biases>>);
static_assert(trains<vt::block_tuning<Any, 0, 5>, bias_of<site::qkv>> &&
              freezes<vt::block_tuning<Any, 0, 5>, site::qkv>);
static_assert(trains<vt::block_tuning<Any, 4, 5>, site::qkv> && trains<Any, bias_of<site::patch>, site::norm>);
using Both = vt::train_both<vt::train_last<1>, vt::train_biases>;
static_assert(trains<vt::block_tuning<Both, 4, 5>, bias_of<site::qkv>> &&
              freezes<vt::block_tuning<Both, 4, 5>, site::qkv>);
static_assert(freezes<vt::block_tuning<Both, 3, 5>, bias_of<site::qkv>> &&
              freezes<Both, bias_of<site::patch>, site::norm>);
static_assert(trains<Both, site::head, bias_of<site::norm>>);
static_assert(block_has<vt::train_any<vt::train_biases>, 0, 5, vt::train_any<vt::train_biases>>);

// A tuning with a linear layer of its own keeps it, wherever it stands among others.
template <std::size_t In, std::size_t Out, class P, class Site>
struct Own {};
struct own_linear : vt::freeze_all {
  template <std::size_t In, std::size_t Out, class P, class Site>
  using linear = Own<In, Out, P, Site>;
};
template <class Tune>
using LayerOf = typename Tune::template linear<3, 4, vt::serial, mine>;
static_assert(std::is_same_v<LayerOf<vt::train_any<vt::train_all, own_linear>>, Own<3, 4, vt::serial, mine>>);
static_assert(std::is_same_v<LayerOf<vt::train_both<own_linear, Any>>, Own<3, 4, vt::serial, mine>>);
static_assert(std::is_same_v<LayerOf<Any>, vt::PlainLinear<3, 4, vt::serial, mine>>);

// Blocks that are treated alike have one type.
template <class P>
using Layer = vt::Block<8, 2, 16, P>;
template <class Tune>
using Tuned = vt::with_tuning<vt::serial, Tune>;
template <class P>
constexpr bool is_repeat = std::is_same_v<vt::Blocks<3, Layer, P>, vt::Repeat<3, Layer<P>>>;
static_assert(is_repeat<vt::serial> && is_repeat<Tuned<vt::train_biases>> && is_repeat<Tuned<vt::freeze_all>>);
static_assert(is_repeat<Tuned<vt::train_any<vt::train_biases, vt::train_only<mine>>>>);
static_assert(!is_repeat<Tuned<vt::freeze_first<1>>>);
template <std::size_t I, class P>
using BlockAt = std::tuple_element_t<I, decltype(vt::Blocks<4, Layer, P>::blocks)>;
static_assert(std::is_same_v<BlockAt<0, Tuned<vt::freeze_first<2>>>, BlockAt<1, Tuned<vt::freeze_first<2>>>>);
static_assert(std::is_same_v<BlockAt<2, Tuned<vt::freeze_first<2>>>, BlockAt<3, Tuned<vt::freeze_first<2>>>>);
static_assert(!std::is_same_v<BlockAt<1, Tuned<vt::freeze_first<2>>>, BlockAt<2, Tuned<vt::freeze_first<2>>>>);

// A frozen parameter is a pointer; there is no slot to ask a gradient for.
template <class Q>
concept has_slot = requires(const Q& q) {
  q.slot;
};
template <class Tune, class Site>
using ParamOf = vt::Param<vt::Shape<4>, Tuned<Tune>, Site>;
static_assert(has_slot<ParamOf<vt::train_biases, site::bias_of<mine>>> && !has_slot<ParamOf<vt::train_biases, mine>>);
static_assert(sizeof(ParamOf<vt::train_biases, mine>) == sizeof(const float*));

// The list of what trains, with the optimiser's groups.
struct no_decay {
  static constexpr bool decays = false;
};
template <class P>
struct Net : vt::Module<Net<P>> {
  using policy = P;
  using input = vt::Shape<6>;
  vt::Linear<6, 8, P, no_decay> in;
  vt::Param<vt::Shape<8>, P, mine> shift;
  vt::Stack<vt::LayerNorm<8, P>, vt::Linear<8, 3, P, site::head>> rest;
  static constexpr void visit(auto& self, auto&& f) {
    f("in", self.in);
    f("shift", self.shift);
    f("", self.rest);
  }
  constexpr auto forward(const auto& x) const {
    vt::Var h = in(x);
    return rest(h + shift);
  }
};
using All = vt::trainable_parameters<Net<vt::serial>>;
static_assert(std::is_same_v<
              All, vt::TypeList<vt::Trainable<"in.weight", vt::Shape<8, 6>, false>,
                                vt::Trainable<"in.bias", vt::Shape<8>>, vt::Trainable<"shift", vt::Shape<8>>,
                                vt::Trainable<"0.weight", vt::Shape<8>>, vt::Trainable<"0.bias", vt::Shape<8>>,
                                vt::Trainable<"1.weight", vt::Shape<3, 8>>, vt::Trainable<"1.bias", vt::Shape<3>>>>);
static_assert(
    std::is_same_v<vt::trainable_parameters<Net<Tuned<vt::train_only<mine, bias_of<no_decay>>>>>,
                   vt::TypeList<vt::Trainable<"in.bias", vt::Shape<8>>, vt::Trainable<"shift", vt::Shape<8>>>>);
static_assert(std::is_same_v<vt::trainable_parameters<Net<Tuned<vt::freeze_all>>>, vt::TypeList<>>);

struct Loss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    return vt::Step{vt::cross_entropy(net(x), labels)};
  }
};

}  // namespace

TEST_CASE("the list is the model's own table") {
  vt::Model<Net<vt::serial>> model;
  const auto& table = model.trainable().table;
  [&]<class... T>(vt::TypeList<T...>) {
    REQUIRE(table.size() == sizeof...(T));
    std::size_t i = 0;
    auto check = [&]<class Q>(Q) {
      CHECK(table[i].path == Q::path);
      CHECK(table[i].size == Q::shape::size);
      CHECK(table[i].shape.size() == Q::shape::rank);
      CHECK(table[i++].decays == Q::decays);
    };
    (check(T{}), ...);
  }(All{});
}

TEST_CASE("a step moves what trains and nothing else, whatever else is in the layer") {
  auto run = []<class P>(P, std::initializer_list<const char*> expected) {
    vt::Model<Net<P>> model(vt::seed{2});
    std::vector<std::vector<float>> before;
    model.each_parameter([&](const auto& info, const float* v, bool) { before.emplace_back(v, v + info.size); });
    auto step = vt::training_step(model, Loss{});
    step.set_poison(true);
    vt::AdamW optimiser(model);
    vt::Batch<vt::Shape<6>, P> x(4);
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = vt::normal_at<float>({1, 0, 0}, 0, i);
    step(x, vt::Labels{0, 1, 2, 1});
    optimiser.update(step);
    std::vector<std::string> moved;
    std::size_t k = 0;
    model.each_parameter([&](const auto& info, const float* v, bool) {
      if (before[k++] != std::vector<float>(v, v + info.size)) moved.push_back(info.path);
    });
    CHECK(moved == std::vector<std::string>(expected.begin(), expected.end()));
  };
  run(Tuned<vt::train_only<bias_of<no_decay>>>{}, {"in.bias"});
  run(Tuned<vt::train_only<site::bias>>{}, {"in.bias", "0.bias", "1.bias"});
  run(Tuned<vt::freeze_only<site::bias>>{}, {"in.weight", "shift", "0.weight", "1.weight"});
  run(Tuned<vt::train_both<vt::train_only<site::norm>, vt::freeze_only<site::bias>>>{}, {"0.weight"});
}
