// look_inside.cpp - hidden states and attention of every block are timm's (models/fixtures/make_vit_options.py), the
// result is the predictor's to the bit; rollout and overlay against hand computation.
#include "catch.hpp"

#include <cmath>
#include <string>

#include <vitrail/inspect/overlay.hpp>
#include <vitrail/io/checkpoint.hpp>
#include <vitrail/nn/model.hpp>

#include "io/messages.hpp"
#include "models/vit_options.hpp"

namespace vt = vitrail;

namespace {

template <class T>
double distance(std::span<const T> found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(found[i]) - expected[i]));
  }
  return worst;
}

template <vt::ViTConfig C, class P>
void compare(const std::string& name, double tolerance) {
  using Net = vt::ViT<C, 5, P>;
  using T = typename P::value;
  const std::string path = std::string(VITRAIL_TESTS) + "/models/fixtures/vit_" + name;
  vt::Model<Net> model;
  vt::load_checkpoint(model, path + ".safetensors");
  const auto expected = vt::Safetensors::open(path + "_expected.safetensors");
  const vt::Batch<typename Net::input, P> images(std::span<const T>(expected.read<T>("images")));
  const auto inside = vt::look_inside(model, images);
  REQUIRE(inside.hidden.size() == C.depth);
  REQUIRE(inside.attention.size() == C.depth + (C.pool == vt::pooling::attention));
  const std::size_t tokens = Net{}.backbone.patches + C.prefix();
  for (std::size_t i = 0; i < C.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    CHECK(inside.hidden[i].path == block);
    CHECK(inside.attention[i].path == block + ".attn");
    CHECK((inside.hidden[i].shape == std::vector<std::size_t>{tokens, C.dim}));
    CHECK((inside.attention[i].shape == std::vector<std::size_t>{C.heads, tokens, tokens}));
    CHECK(distance(inside.hidden[i].of(0), expected.read<double>("hidden " + std::to_string(i))) < 100 * tolerance);
    CHECK(distance(inside.attention[i].of(0), expected.read<double>("attention " + std::to_string(i))) < tolerance);
  }
  CHECK(distance(std::span<const T>(inside.result.values), expected.read<double>("logits")) < 100 * tolerance);
  // The last image alone.
  const vt::Tensor<typename Net::input, P> last(
      std::span<const T>(images[2].data(), static_cast<std::size_t>(Net::input::size)));
  const auto alone = vt::look_inside(model, last);
  CHECK(alone.attention[1].values.size() == inside.attention[1].size());
  CHECK(distance(alone.attention[1].of(0), {inside.attention[1].of(2).begin(), inside.attention[1].of(2).end()}) <
        tolerance);
}

template <class T>
vt::Seen<T> seen_of(std::vector<T> values, std::size_t heads, std::size_t queries, std::size_t keys) {
  return {"blocks", {heads, queries, keys}, std::move(values)};
}

}  // namespace

TEST_CASE("hidden states and attention are timm's") {
  compare<options::distilled, vt::cpu_double>("distilled", 1e-14);
  compare<options::registers, vt::cpu>("registers", 1e-6);
  compare<options::map, vt::cpu_double>("map", 1e-14);
}
TEST_CASE("what is looked at is what a predictor computes, and a pooling query is seen") {
  using Net = vt::ViT<options::map, 5>;
  vt::Model<Net> model(vt::seed{3});
  vt::Batch<Net::input> images(2);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  const auto inside = vt::look_inside(model, images);
  auto predict = vt::predictor(model);
  CHECK((inside.result.values == predict(images).to_vector()));
  CHECK(inside.attention[2].path == "attn_pool");
  CHECK((inside.attention[2].shape == std::vector<std::size_t>{2, 1, 4}));
  double sum = 0;
  for (std::size_t k = 0; k < 4; ++k) sum += static_cast<double>(inside.attention[2].at(1, 1, 0, k));
  CHECK(std::abs(sum - 1) < 1e-6);
  // The tokens of the blocks alone.
  const auto blocks = vt::look_inside(
      model, images, [](const auto& net, const auto& x) { return net.backbone.blocks(net.backbone.embed(x)); });
  CHECK(blocks.hidden.size() == 2);
  CHECK((blocks.result.values == inside.hidden[1].values));
  CHECK(message_of([&] { (void)inside.hidden[0].of(2); }).find("no image 2") != std::string::npos);
  CHECK(message_of([&] { (void)inside.hidden[0].at(0, 6, 0); }).find("not below") != std::string::npos);
  CHECK(message_of([&] { (void)vt::look_inside(model, vt::Batch<Net::input>(0)); }).find("no samples") !=
        std::string::npos);
}
TEST_CASE("rollout is the product of the blocks' mean attention with residuals") {
  vt::Inside<float> inside;
  // Two heads of mean [[1, 0], [0.5, 0.5]], then one of [[0, 1], [1, 0]]; a pooling query between them is left out.
  inside.attention.push_back(seen_of<float>({1, 0, 0, 1, 1, 0, 1, 0}, 2, 2, 2));
  inside.attention.push_back(seen_of<float>({0.25, 0.75}, 1, 1, 2));
  inside.attention.push_back(seen_of<float>({0, 1, 1, 0}, 1, 2, 2));
  const vt::TokenMap map = vt::rollout(inside);
  // first: [[1, 0], [0.25, 0.75]], second: [[0.5, 0.5], [0.5, 0.5]].
  CHECK((map.values == std::vector<double>{0.625, 0.375, 0.625, 0.375}));
  CHECK(map.row(1)[1] == 0.375);
  CHECK(message_of([&] { (void)map.row(2); }).find("no token 2") != std::string::npos);
  inside.attention.push_back(seen_of<float>(std::vector<float>(9), 1, 3, 3));
  CHECK(message_of([&] { (void)vt::rollout(inside); }).find("3 tokens") != std::string::npos);
  CHECK(message_of([] { (void)vt::rollout(vt::Inside<float>{}); }).find("no attention") != std::string::npos);
}
TEST_CASE("a map is upsampled between centres and laid over the image") {
  const std::vector<double> tokens{9, 9, 0, 1, 2, 3};
  const vt::Grid grid = vt::patch_grid(std::span<const double>(tokens), 2);
  CHECK((grid.height == 2 && grid.width == 2));
  const vt::Grid fine = vt::upsampled(grid, 4, 4);
  const double row[] = {0, 0.25, 0.75, 1};  // torch.nn.functional.interpolate of [[0, 1], [2, 3]] to 4 x 4
  for (std::size_t y = 0; y < 4; ++y) {
    for (std::size_t x = 0; x < 4; ++x) CHECK(fine.values[y * 4 + x] == 2 * row[y] + row[x]);
  }
  CHECK(message_of([&] { (void)vt::patch_grid(std::span<const double>(tokens), 1); }).find("2 x 2") !=
        std::string::npos);
  CHECK(message_of([] { (void)vt::upsampled(vt::Grid{}, 2, 2); }).find("0 x 0") != std::string::npos);
  vt::Tensor<vt::Shape<1, 2, 2>> image;
  for (std::size_t i = 0; i < 4; ++i) image.data()[i] = static_cast<float>(i) * 10 - 5;
  const vt::Image map = vt::overlay(image.view(), grid, 1.0), plain = vt::overlay(image.view(), grid, 0.0);
  CHECK((map.height == 2 && map.width == 2));
  CHECK((map.pixels == std::vector<unsigned char>{0, 0, 0, 255, 0, 0, 255, 255, 0, 255, 255, 255}));
  CHECK((plain.pixels == std::vector<unsigned char>{0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255}));
}
