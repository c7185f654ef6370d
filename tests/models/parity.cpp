// parity.cpp - a ViT with timm's weights gives timm's logits, loss and gradients; fixtures/make_vit.py made the
// expected values.
#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/vitrail.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig token{.image = 16, .patch = 4, .dim = 24, .depth = 2, .heads = 1, .mlp = 40};
constexpr vt::ViTConfig mean{
    .image = 16, .patch = 4, .dim = 24, .depth = 2, .heads = 3, .mlp = 40, .pool = vt::pooling::mean};

// |found - expected| / |expected|, in the Euclidean norm.
template <class T>
double relative_error(const T* found, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (double(found[i]) - expected[i]) * (double(found[i]) - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

template <vt::ViTConfig C, class P>
void compare(const std::string& name, double tolerance) {
  using Net = vt::ViT<C, 5, P>;
  using T = typename P::value;
  const std::string folder = std::string(VITRAIL_TESTS) + "/models/fixtures/";
  vt::Model<Net> model;
  vt::load_checkpoint(model, folder + name + ".safetensors");
  const auto expected = vt::Safetensors::open(folder + name + "_expected.safetensors");
  const vt::Batch<typename Net::input, P> images(std::span<const T>(expected.read<T>("images")));
  const vt::Labels labels(std::span<const int>(expected.read<int>("labels")));

  auto predict = vt::predictor(model);
  CHECK(relative_error(predict(images).data(), expected.read<double>("logits")) < tolerance);

  auto step = vt::training_step(model, [](const auto& net, const auto& x, const auto& y) {
    return vt::Step{vt::cross_entropy(net(x), y, {.label_smoothing = 0.1})};
  });
  const auto [loss] = step(images, labels);
  CHECK(std::abs(double(loss) / expected.read<double>("loss")[0] - 1) < tolerance);
  for (const vt::ParameterInfo& info : model.trainable().table) {
    INFO(name << " " << info.path);
    CHECK(relative_error(step.gradients() + info.offset, expected.read<double>("gradient " + info.path)) < tolerance);
  }
}

}  // namespace

// The double run shows that the architecture is timm's to the last operation; the float runs, that the kernels are
// right.
TEST_CASE("a ViT with class token pooling equals timm's") {
  compare<token, vt::serial_double>("vit_token", 1e-12);
  compare<token, vt::cpu>("vit_token", 3e-6);
}
TEST_CASE("a ViT with mean pooling equals timm's") {
  compare<mean, vt::serial_double>("vit_mean", 1e-12);
  compare<mean, vt::cpu>("vit_mean", 3e-6);
}
