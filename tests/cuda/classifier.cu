// classifier.cu - a backbone with a head of run-time size through nvcc: the predictor that takes the weights over gives
// the same bits as one that does not. Needs no device.
// test: separate, timeout 300
#include <algorithm>

#include "catch.hpp"

#include <vitrail/models/runtime_classifier.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/tensor/top.hpp>

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig small{.image = 8, .channels = 1, .patch = 4, .dim = 16, .depth = 1, .heads = 2, .mlp = 32};
using Backbone = vt::ViTBackbone<small>;
}  // namespace

TEST_CASE("a classifier that nvcc compiled equals the static model") {
  vt::Model<vt::ViT<small, 5>> model(vt::seed{1});
  auto predict = vt::predictor(model);
  vt::Batch<Backbone::input> images(3);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<float>(i % 13) - 6;
  const auto expected = predict(images).to_vector();
  vt::RuntimeClassifier<Backbone> classify(5, [&](const vt::ParameterInfo& info, float* to) {
    model.each_parameter([&](const vt::ParameterInfo& own, const float* values, bool) {
      if (own.path == info.path) std::copy_n(values, own.size, to);
    });
    return true;
  });
  const auto found = classify(images);
  CHECK(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
  CHECK(vt::top<2>(found.first(5)).size() == 2);
}
