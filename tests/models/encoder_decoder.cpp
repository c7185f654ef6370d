// encoder_decoder.cpp - from an image to a sequence: against PyTorch (fixtures/make_encoder_decoder.py), and what a
// token may depend on.
#include "parity.hpp"
#include "small_reader.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::EncoderDecoderConfig small = test::small_reader;
static_assert(vt::cost_of<vt::EncoderDecoder<small>>(1).parameters == vt::trainable_count<vt::EncoderDecoder<small>>());

struct Logits {
  constexpr auto operator()(const auto& net, const auto& image, const auto& labels) const { return net(image, labels); }
};
struct Loss {
  constexpr auto operator()(const auto& net, const auto& image, const auto& labels) const {
    return vt::Step{vt::cross_entropy(net(image, labels), labels, {.label_smoothing = 0.1})};
  }
};
template <class P>
void compare(double tolerance) {
  using Net = vt::EncoderDecoder<small, P>;
  using T = typename P::value;
  vt::Model<Net> model;
  vt::load_checkpoint(model, parity::fixture("encoder_decoder"));
  const auto expected = vt::Safetensors::open(parity::fixture("encoder_decoder_expected"));
  const vt::Batch<typename Net::input, P> images(std::span<const T>(expected.read<T>("images")));
  const vt::Labels labels(std::span<const int>(expected.read<int>("labels")));

  auto predict = vt::predictor(model, Logits{});
  CHECK(relative_error(predict(images, labels).data(), expected.read<double>("logits"), parity::least_norm) <
        tolerance);
  auto step = vt::training_step(model, Loss{});
  step.set_poison(true);
  const auto [loss] = step(images, labels);
  CHECK(std::abs(double(loss) / expected.read<double>("loss")[0] - 1) < tolerance);
  for (const vt::ParameterInfo& info : model.trainable().table) {
    INFO(info.path);
    CHECK(relative_error(step.gradients() + info.offset, expected.read<double>("gradient " + info.path),
                         parity::least_norm) < tolerance);
  }
}

}  // namespace

TEST_CASE("an encoder-decoder equals PyTorch's") {
  compare<vt::serial_double>(1e-12);
  compare<vt::cpu>(3e-6);
}

TEST_CASE("a token of the sequence depends on the tokens before it, and on nothing later, to the bit") {
  using Net = vt::EncoderDecoder<small>;
  vt::Model<Net> model(vt::seed{1});
  auto predict = vt::predictor(model, Logits{});
  vt::Batch<Net::input> image(1);
  for (std::size_t i = 0; i < image.size(); ++i) image.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  const std::vector<float> before = predict(image, vt::Labels{1, 2, 3}).to_vector();
  for (std::size_t changed = 0; changed < 3; ++changed) {
    vt::Labels labels{1, 2, 3};
    labels.data()[changed] = 4;
    const std::vector<float> after = predict(image, labels).to_vector();
    for (std::size_t token = 0; token < 3; ++token) {
      INFO("token " << token << " after a change of token " << changed);
      const auto at = static_cast<std::ptrdiff_t>(5 * token);
      CHECK(std::equal(before.begin() + at, before.begin() + at + 5, after.begin() + at) == (token <= changed));
    }
  }
}

TEST_CASE("a sequence must have as many labels as the model says") {
  vt::Model<vt::EncoderDecoder<small>> model;
  auto step = vt::training_step(model, Loss{});
  auto predict = vt::predictor(model, Logits{});
  const vt::Batch<vt::EncoderDecoder<small>::input> images(2);
  const std::string message = "2 samples of 3 labels, but 5 labels";
  CHECK_THROWS_WITH(step(images, vt::Labels{0, 1, 2, 3, 4}), "training step: " + message);
  CHECK_THROWS_WITH(predict(images, vt::Labels{0, 1, 2, 3, 4}), "predict: " + message);
  CHECK_THROWS_AS(predict(images, vt::Labels{0, 1, 2, 3, 5, 0}), vt::shape_error);  // no such token
}
