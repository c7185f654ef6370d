// runtime_classifier.cpp - a head of run-time size gives what a static one gives; the number of classes comes from the
// file.
#include "vitrail/models/runtime_classifier.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "io/messages.hpp"
#include "io/temporary_folder.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/io/load_classifier.hpp"
#include "vitrail/models/resnet.hpp"
#include "vitrail/models/vit.hpp"
#include "vitrail/tensor/top.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig tiny{.image = 8, .patch = 4, .dim = 16, .depth = 1, .heads = 2, .mlp = 16};
using Backbone = vt::ViTBackbone<tiny>;

// Two tokens for two heads.
struct TwoTokens : vt::Module<TwoTokens> {
  using policy = vt::cpu;
  using input = vt::Shape<2, 6>;
  static constexpr std::size_t features = 16;
  vt::Linear<6, 16> fc;
  static constexpr void visit(auto& self, auto&& f) { f("fc", self.fc); }
  constexpr auto forward(const auto& x) const { return fc(x); }
};
}  // namespace

TEST_CASE("a classifier from a file has its classes and the static model's logits") {
  const TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  vt::Model<vt::ViT<tiny, 37>> model(vt::seed{3});
  vt::save_checkpoint(model, path);
  vt::Batch<Backbone::input> images(3);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = std::sin(static_cast<float>(i));
  auto predict = vt::predictor(model);
  const auto expected = predict(images).to_vector();

  auto classify = vt::load_classifier<Backbone>(path);
  CHECK(classify.classes() == 37);
  const auto found = classify(images);
  REQUIRE(found.size() == expected.size());
  CHECK(std::equal(found.begin(), found.end(), expected.begin()));
  images.resize(1);
  CHECK(classify(images).size() == 37);
  CHECK(std::equal(expected.begin(), expected.begin() + 37, classify(images).begin()));

  vt::save_checkpoint(vt::Model<Backbone>(vt::seed{3}), path);
  CHECK_THAT(message_of([&] { vt::load_classifier<Backbone>(path); }), contains("expected a head's weight"));
  CHECK_THROWS_AS(vt::RuntimeHead<>(4, 0), vt::shape_error);
}

TEST_CASE("a ResNet's head has another name, and running statistics come with the backbone") {
  constexpr vt::ResNetConfig small{
      .image = 8, .width = 4, .layer1 = 1, .layer2 = 1, .layer3 = 0, .layer4 = 0, .stem = vt::resnet_stem::small};
  const TemporaryFolder folder;
  vt::Model<vt::ResNet<small, 3>> model(vt::seed{3});
  model.assign([](const auto& info, float* to) {
    for (std::size_t i = 0; i < info.size; ++i) to[i] = 0.5f + 0.4f * std::sin(static_cast<float>(i + info.size));
  });
  vt::save_checkpoint(model, folder / "model.safetensors");
  vt::Batch<vt::ResNetBackbone<small>::input> images(2);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = std::sin(static_cast<float>(i));
  auto classify = vt::load_classifier<vt::ResNetBackbone<small>>(folder / "model.safetensors");
  const auto found = classify(images);
  const auto expected = vt::predict(model, images).to_vector();
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-5));
  using Other = vt::ResNet<small, 5>;
  CHECK_THROWS_AS(vt::load<Other>(folder / "model.safetensors"), vt::io_error);
  CHECK_NOTHROW(vt::load<Other>(folder / "model.safetensors", {.head = vt::head_policy::keep}));
}

TEST_CASE("of two heads on two tokens, the mean counts") {
  const TemporaryFolder folder;
  vt::Model<TwoTokens> model(vt::seed{5});
  std::vector<float> head(3 * 16), dist(3 * 16), head_bias{1, 2, 3}, dist_bias{3, -2, 1};
  for (std::size_t i = 0; i < head.size(); ++i) head[i] = std::sin(float(i)), dist[i] = std::cos(float(i));
  std::vector<vt::TensorToWrite> tensors{{"head.weight", vt::dtype::f32, {3, 16}, head.data()},
                                         {"head.bias", vt::dtype::f32, {3}, head_bias.data()},
                                         {"head_dist.weight", vt::dtype::f32, {3, 16}, dist.data()},
                                         {"head_dist.bias", vt::dtype::f32, {3}, dist_bias.data()}};
  model.each_parameter([&](const auto& info, const float* v, bool) {
    tensors.push_back({info.path, vt::dtype::f32, info.shape, v});
  });
  const auto path = folder / "two.safetensors";
  vt::write_safetensors(path, tensors);
  vt::Batch<TwoTokens::input> x(2);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i) / 8;
  auto predict = vt::predictor(model);
  const auto tokens = predict(x).to_vector();
  auto classify = vt::load_classifier<TwoTokens>(path);
  const auto logits = classify(x);
  REQUIRE(logits.size() == 6);
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t c = 0; c < 3; ++c) {
      double sum = double(head_bias[c]) + dist_bias[c];
      for (std::size_t i = 0; i < 16; ++i) {
        sum += double(head[c * 16 + i]) * tokens[(2 * b) * 16 + i] +
               double(dist[c * 16 + i]) * tokens[(2 * b + 1) * 16 + i];
      }
      CHECK(logits[b * 3 + c] == Approx(sum / 2).margin(1e-5));
    }
  }
  tensors.erase(tensors.begin() + 2);
  vt::write_safetensors(path, tensors);
  CHECK_THAT(message_of([&] { vt::load_classifier<TwoTokens>(path); }),
             contains("'head_dist.weight': expected [3, 16]"));
}

TEST_CASE("top gives the largest logits with their shares; ties to the smaller number, NaN last") {
  const std::vector<float> logits{1, 3, 2, 3};
  const auto ranked = vt::top<3>(std::span(logits));
  REQUIRE(ranked.size() == 3);
  CHECK(ranked[0].index == 1);
  CHECK(ranked[1].index == 3);
  CHECK(ranked[2].index == 2);
  CHECK(ranked[0].logit == 3);
  CHECK(ranked[2].probability == Approx(std::exp(2.0) / (std::exp(1.0) + 2 * std::exp(3.0) + std::exp(2.0))));
  const std::vector<double> one{std::numeric_limits<double>::quiet_NaN(), -1};
  CHECK(vt::top<5>(std::span(one)).size() == 2);
  CHECK(vt::top<5>(std::span(one))[0].index == 1);
  CHECK(vt::top<5>(std::span<const float>()).empty());
  const vt::Batch<vt::Shape<4>> batch{std::span(logits)};
  CHECK(vt::top<1>(batch[0])[0].index == 1);
}
