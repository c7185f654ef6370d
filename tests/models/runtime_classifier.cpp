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
#include "vitrail/models/vit.hpp"
#include "vitrail/tensor/top.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig tiny{.image = 8, .patch = 4, .dim = 16, .depth = 1, .heads = 2, .mlp = 16};
using Backbone = vt::ViTBackbone<tiny>;
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
}
