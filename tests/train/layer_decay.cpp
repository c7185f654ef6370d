// layer_decay.cpp - learning rates that fall from layer to layer are timm's. fixtures/make_layer_decay.py wrote them.
#include "catch.hpp"

#include <cmath>
#include <cstddef>
#include <fstream>
#include <map>
#include <string>

#include "io/messages.hpp"
#include "train/tiny_training.hpp"

#include <vitrail/models/swin.hpp>

namespace {

namespace vt = vitrail;

std::map<std::string, double> scales_of_timm(const std::string& name) {
  std::ifstream file(std::string(VITRAIL_TESTS) + "/train/fixtures/layer_decay_" + name + ".txt");
  std::map<std::string, double> scales;
  std::string parameter;
  for (double scale = 0; file >> parameter >> scale;) scales[parameter] = scale;
  return scales;
}
template <class Net>
void compare(const std::string& name) {
  const vt::Model<Net> model;
  const auto expected = scales_of_timm(name);
  const auto behind = vt::layers_behind(model);
  std::size_t compared = 0;
  for (const auto& info : model.trainable().table) {
    INFO(name << ": " << info.path);
    const auto scale = expected.find(info.path);
    REQUIRE(scale != expected.end());
    CHECK(std::pow(0.5, static_cast<double>(behind[compared])) == scale->second);
    ++compared;
  }
  CHECK(compared == expected.size());
}

constexpr vt::ViTConfig vit{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 3, .heads = 2, .mlp = 32};
constexpr vt::ViTConfig mean = [] {
  vt::ViTConfig c = vit;
  c.pool = vt::pooling::mean, c.class_token = false, c.pre_norm = true;
  return c;
}();
constexpr vt::ViTConfig distilled = [] {
  vt::ViTConfig c = vit;
  c.distilled = true;
  return c;
}();
constexpr vt::ViTConfig pooled = [] {
  vt::ViTConfig c = vit;
  c.pool = vt::pooling::attention, c.reg_tokens = 2;
  return c;
}();
constexpr vt::SwinConfig swin{
    .image = 16, .channels = 1, .patch = 2, .dim = 8, .window = 4, .depths = {2, 3, 0, 0}, .heads = {2, 4, 0, 0}};
constexpr vt::SwinConfig swin_v2 = [] {
  vt::SwinConfig c = swin;
  c.v2 = true;
  return c;
}();

struct Other : vt::Module<Other> {
  using policy = vt::cpu;
  using input = vt::Shape<4>;
  vt::Linear<4, 2> only;
  static constexpr void visit(auto& self, auto&& f) { f("only", self.only); }
  constexpr auto forward(const auto& x) const { return only(x); }
};

}  // namespace

TEST_CASE("each layer of a ViT and of a Swin has timm's rate") {
  compare<vt::ViT<vit, 3>>("vit");
  compare<vt::ViT<mean, 3>>("vit_mean");
  compare<vt::ViT<distilled, 3>>("vit_distilled");
  compare<vt::ViT<pooled, 3>>("vit_pooled");
  compare<vt::Swin<swin, 3>>("swin");
  compare<vt::Swin<swin_v2, 3>>("swin_v2");
}
TEST_CASE("the first step of Adam moves each layer by its rate, and a training goes on with the same decay only") {
  TinyTraining<> t;
  t.recipe.layer_decay = 0.25;
  t.recipe.weight_decay = 0;
  t.recipe.warm_up_epochs = 0;
  t.state = TinyTraining<>::State(t.model, t.batches, t.recipe);
  const auto before = t.model.trainable().values.copy();
  t.recipe.on_batch = [&](const vt::Progress& p) {
    if (p.epoch != 0 || p.batch != 1) return;
    const auto& store = t.model.trainable();
    for (const auto& info : store.table) {
      INFO(info.path);
      const int behind = info.path.starts_with("head")                                        ? 0
                         : info.path.starts_with("blocks.0")                                  ? 2
                         : info.path.starts_with("blocks.1") || info.path.starts_with("norm") ? 1
                                                                                              : 3;
      double most = 0;
      for (std::size_t i = info.offset; i < info.offset + info.size; ++i) {
        most = std::max(most, std::abs(static_cast<double>(store.values[i]) - static_cast<double>(before[i])));
      }
      CHECK(most == Approx(t.recipe.rate * std::pow(0.25, behind)).epsilon(1e-3));
    }
  };
  vt::fit(t.model, t.batches, t.recipe, t.state);
  CHECK_THAT(message_of([&] {
               vt::Recipe other = t.recipe;
               other.layer_decay = 0.5;
               vt::fit(t.model, t.batches, other, t.state);
             }),
             contains("another recipe.layer_decay"));
}
TEST_CASE("blocks that are named otherwise have no layers") {
  const vt::Model<Other> model;
  CHECK_THAT(message_of([&] { vt::AdamW optimiser(model, {.layer_decay = 0.5}); }), contains("has no blocks"));
}
