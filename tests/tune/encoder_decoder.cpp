// encoder_decoder.cpp - a model from an image to a sequence is tuned, trained and merged: queries of the target, keys
// and values of the source.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <set>

#include <vitrail/models/encoder_decoder.hpp>

namespace {

namespace site = vt::site;

constexpr vt::EncoderDecoderConfig config{.height = 8,
                                          .width = 8,
                                          .channels = 1,
                                          .patch = 4,
                                          .dim = 8,
                                          .depth = 1,
                                          .heads = 2,
                                          .mlp = 16,
                                          .length = 3,
                                          .vocabulary = 5,
                                          .target_dim = 8,
                                          .target_depth = 1,
                                          .target_heads = 2,
                                          .target_mlp = 16};
using Reader = vt::EncoderDecoder<config>;

struct Logits {
  constexpr auto operator()(const auto& net, const auto& x, const auto& y) const { return net(x, y); }
};
template <class Model>
std::vector<float> read(const Model& model, const vt::Batch<Reader::input>& images, const vt::Labels& labels) {
  auto predict = vt::predictor(model, Logits{});
  const auto logits = predict(images, labels);
  return {logits.data(), logits.data() + logits.size()};
}

}  // namespace

TEST_CASE("LoRA and PiSSA in cross-attention start as their base, train alone and merge") {
  const vt::Model<Reader> base(vt::seed{3});
  auto tuned =
      vt::tune<vt::lora{.rank = 2, .on = vt::sites<site::q, site::kv>},
               vt::lora{.rank = 2, .on = vt::sites<site::fc1>, .init = vt::lora_init::pissa}>(base, vt::seed{2});
  std::set<std::string> layers;
  for (const auto& info : tuned.trainable().table) layers.insert(info.path.substr(0, info.path.find(".lora_")));
  CHECK(layers == std::set<std::string>{"encoder.blocks.0.attn.qkv", "encoder.blocks.0.mlp.fc1",
                                        "decoder.blocks.0.self_attn.qkv", "decoder.blocks.0.cross_attn.q",
                                        "decoder.blocks.0.cross_attn.kv", "decoder.blocks.0.mlp.fc1"});
  const auto images = some_images<Reader::input>(2);
  const vt::Labels labels = some_labels(6, 5);
  CHECK(read(tuned, images, labels) == read(base, images, labels));
  const Bytes before = bytes_of(tuned.frozen().values);

  auto step = vt::training_step(
      tuned, [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x, y), y)}; });
  vt::AdamW optimiser(tuned, {.rate = 1e-2, .weight_decay = 0});
  const auto [first] = step(images, labels);
  const float start = first;
  for (int i = 0; i < 40; ++i) {
    optimiser.update(step);
    step(images, labels);
  }
  const auto [last] = step(images, labels);
  CHECK(last < 0.97f * start);
  CHECK(bytes_of(tuned.frozen().values) == before);

  const auto plain = tuned.merged();
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(plain)>::module, Reader>);
  CHECK(difference(read(plain, images, labels), read(tuned, images, labels)) < 1e-5);
}
