// vit.cpp - what a lecture says about the vision transformer, each statement beside a control for which it is false.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/inspect/dependence.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/trainable.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

namespace vt = vitrail;

namespace {

// 3 x 3 patches of 2 x 2 pixels.
constexpr vt::ViTConfig config{.image = 6, .channels = 2, .patch = 2, .dim = 8, .depth = 2, .heads = 2, .mlp = 12};
constexpr vt::ViTConfig averaging = [] {
  vt::ViTConfig c = config;
  c.pool = vt::pooling::mean;
  return c;
}();
constexpr std::size_t patches = 9, tokens = patches + 1, pixels = 36;
template <vt::ViTConfig C = config, class P = vt::cpu_double>
using Net = vt::ViT<C, 3, P>;
using Image = Net<>::input;

// The pixel's patch, as the lecture numbers patches: row by row.
constexpr std::size_t patch_of(std::size_t pixel) { return pixel / 6 / 2 * 3 + pixel % 6 / 2; }

// Nothing stands at zero, where it would pass nothing on.
template <class Net>
struct Drawn : vt::Model<Net> {
  Drawn() {
    this->assign([](const vt::ParameterInfo& info, double* values) {
      for (std::size_t i = 0; i < info.size; ++i) {
        values[i] = 0.5 * vt::normal_at<double>({3, 0, vt::site_of(info.path)}, 0, i);
      }
    });
  }
};
vt::Batch<Image, vt::cpu_double> images(std::size_t count, std::uint64_t seed = 5) {
  vt::Batch<Image, vt::cpu_double> batch(count);
  for (std::size_t i = 0; i < batch.size(); ++i) batch.data()[i] = vt::normal_at<double>({seed, 0, 0}, 0, i);
  return batch;
}

}  // namespace

TEST_CASE("a token is a patch: it depends on the pixels of its own patch and on no other") {
  const Drawn<Net<>> model;
  const auto d = vt::dependence(
      model, [](const auto& net, const auto& x) { return net.backbone.patch_embed(x); }, Image{});
  REQUIRE((d.outputs == patches && d.inputs == pixels));
  for (std::size_t t = 0; t < patches; ++t) {
    for (std::size_t i = 0; i < pixels; ++i) CHECK(d.at(t, i) == (patch_of(i) == t));
  }
  const auto after = vt::dependence(
      model, [](const auto& net, const auto& x) { return net.backbone.blocks(net.backbone.embed(x)); }, Image{});
  CHECK(after.all());  // after a block no token is a patch any more
}
TEST_CASE("a patch is projected linearly: the convolution of stride p is a linear layer on flattened patches") {
  const auto x = images(2);
  vt::Tensor<vt::Shape<8, 2, 2, 2>, vt::cpu_double> weight;
  vt::Tensor<vt::Shape<8>, vt::cpu_double> bias;
  for (std::size_t i = 0; i < 64; ++i) weight.data()[i] = vt::normal_at<double>({1, 0, 0}, 0, i);
  for (std::size_t i = 0; i < 8; ++i) bias.data()[i] = vt::normal_at<double>({2, 0, 0}, 0, i);
  using Tokens = vt::Batch<vt::Shape<patches, 8>, vt::cpu_double>;
  const Tokens convolved = vt::patch_embedding(x, weight, bias);
  const Tokens flattened = vt::linear(vt::rearrange<"c (h p) (w q) -> (h w) (c p q)", vt::with{.p = 2, .q = 2}>(x),
                                      vt::reshape<vt::Shape<8, 8>>(weight), bias);
  CHECK((convolved.to_vector() == flattened.to_vector()));
  const Tokens other_order = vt::linear(vt::rearrange<"c (h p) (w q) -> (h w) (p q c)", vt::with{.p = 2, .q = 2}>(x),
                                        vt::reshape<vt::Shape<8, 8>>(weight), bias);
  CHECK((convolved.to_vector() != other_order.to_vector()));
  // f(2 x + 3 y) = 2 f(x) + 3 f(y) - 4 bias; with a GELU behind it that is false.
  const auto y = images(2, 6);
  const Tokens of_sum = vt::patch_embedding(2.0 * x + 3.0 * y, weight, bias);
  const Tokens sum =
      2.0 * vt::patch_embedding(x, weight, bias) + 3.0 * vt::patch_embedding(y, weight, bias) - 4.0 * bias;
  const Tokens bent = 2.0 * vt::gelu(vt::patch_embedding(x, weight, bias)) +
                      3.0 * vt::gelu(vt::patch_embedding(y, weight, bias)) - 4.0 * bias;
  const Tokens gelu_of_sum = vt::gelu(of_sum * 1.0);
  double linear = 0, not_linear = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    linear = std::max(linear, std::abs(of_sum.data()[i] - sum.data()[i]));
    not_linear = std::max(not_linear, std::abs(gelu_of_sum.data()[i] - bent.data()[i]));
  }
  CHECK(linear < 1e-12);
  CHECK(not_linear > 0.1);
}
TEST_CASE("the class token is learned: it has a gradient and moves; frozen, it is no variable of the optimiser") {
  Drawn<Net<>> model;
  auto step = vt::training_step(model, [](const auto& net, const auto& x, const auto& labels) {
    return vt::Step{vt::cross_entropy(net(x), labels)};
  });
  vt::AdamW optimiser(model);
  const auto& table = model.trainable().table;
  const auto info = std::find_if(table.begin(), table.end(), [](const auto& i) { return i.path == "cls_token"; });
  REQUIRE(info != table.end());
  const double* values = model.trainable().values.data() + info->offset;
  const std::vector<double> before(values, values + info->size);
  step(images(3), vt::Labels{0, 1, 2});
  double norm = 0;
  for (std::size_t i = 0; i < info->size; ++i) norm += std::abs(step.gradients()[info->offset + i]);
  CHECK(norm > 1e-3);
  optimiser.update(step);
  CHECK((std::vector<double>(values, values + info->size) != before));

  using Frozen = Net<config, vt::with_tuning<vt::cpu_double, vt::freeze_only<vt::site::embedding>>>;
  STATIC_REQUIRE(vt::trainable_parameters<Net<>>::size == vt::trainable_parameters<Frozen>::size + 2);
}
TEST_CASE("the head reads the class token of the last layer: the logits depend on no other of its tokens") {
  const auto of_tokens = [](const auto& net, const auto& y) { return net.head(net.backbone.pool(y)); };
  const vt::Shape<tokens, 8> last;
  std::vector<bool> class_token(tokens), all_others(tokens, true);
  class_token[0] = true;
  all_others[0] = false;
  CHECK((vt::dependence(Drawn<Net<>>(), of_tokens, last).values == class_token));
  CHECK((vt::dependence(Drawn<Net<averaging>>(), of_tokens, last).values == all_others));
}
TEST_CASE("the class token knows no patch at the first layer, and all patches at the last") {
  const Drawn<Net<>> model;
  const auto first = [](const auto& net, const auto& x) { return vt::first_token(net.backbone.embed(x)); };
  const auto last = [](const auto& net, const auto& x) {
    return vt::first_token(net.backbone.blocks(net.backbone.embed(x)));
  };
  CHECK(vt::dependence(model, first, Image{}).none());
  CHECK(vt::dependence(model, last, Image{}).all());
}
TEST_CASE("without positions the order of patches says nothing to the class token; with them it does") {
  const auto change = [](bool positions) {
    Drawn<Net<>> model;
    if (!positions) {
      auto& store = model.trainable();
      for (const auto& info : store.table) {
        if (info.path == "pos_embed") std::fill_n(store.values.data() + info.offset, info.size, 0.0);
      }
      model.values_changed();
    }
    auto predict = vt::predictor(model);
    const auto x = images(1);
    auto moved = images(1);
    for (std::size_t c = 0; c < 2; ++c) {  // the columns of patches, each one place to the right
      for (std::size_t i = 0; i < pixels; ++i) {
        moved.data()[c * pixels + i] = x.data()[c * pixels + i / 6 * 6 + (i % 6 + 4) % 6];
      }
    }
    const auto before = predict(x).to_vector(), after = predict(moved).to_vector();
    double difference = 0;
    for (std::size_t k = 0; k < before.size(); ++k) difference = std::max(difference, std::abs(before[k] - after[k]));
    return difference;
  };
  CHECK(change(false) < 1e-13);
  CHECK(change(true) > 1e-3);
}
