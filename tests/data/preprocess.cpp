// preprocess.cpp - a picture becomes what timm's transform for evaluation makes of it; fixtures/make_resize.py made the
// expected values.
#include "vitrail/data/preprocess.hpp"

#include <cmath>
#include <sstream>

#include "catch.hpp"
#include "vitrail/io/safetensors.hpp"
#include "vitrail/models/vit.hpp"

namespace vt = vitrail;

TEST_CASE("preprocessing equals timm's, from pixels to the model's input") {
  const auto file = vt::Safetensors::open(std::string(VITRAIL_TESTS) + "/data/fixtures/preprocess.safetensors");
  std::size_t cases = 0;
  for (const vt::TensorInfo& info : file.tensors()) {
    std::istringstream words(info.name);
    std::size_t height = 0, width = 0;
    vt::Preprocess how;
    std::string statistics;
    if (!(words >> height >> width >> how.size >> how.crop >> statistics)) continue;
    INFO(info.name);
    how = how.with(statistics == "half" ? vt::half_pixels : vt::imagenet_pixels);
    const vt::Image image{height, width, file.read<std::uint8_t>(std::to_string(height) + " " + std::to_string(width))};
    const auto expected = file.read<float>(info.name);
    std::vector<float> found(expected.size());
    vt::preprocess(image, how, std::span(found));
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(double(found[i] - expected[i])));
    CHECK(worst < 1e-6);
    ++cases;
  }
  CHECK(cases == 12);
}

TEST_CASE("a variant's constants are timm's") {
  constexpr vt::Preprocess vit = vt::preprocess_of<vt::ViT_Ti16<>>, large = vt::preprocess_of<vt::ViT_B16_384<>>;
  STATIC_REQUIRE(vit.size == 224);
  STATIC_REQUIRE(large.size == 384);
  STATIC_REQUIRE(vit.crop == 0.9);
  STATIC_REQUIRE(vit.mean == std::array<double, 3>{0.5, 0.5, 0.5});
  STATIC_REQUIRE(vt::preprocess_of<vt::ViTBackbone<vt::vit_tiny_patch16_224>>.filter == vt::resampling::bicubic);
  STATIC_REQUIRE(vit.with(vt::imagenet_pixels).deviation[2] == 0.225);
}

TEST_CASE("a batch has one picture per sample, and another room throws") {
  const std::vector<vt::Image> images{{4, 4, std::vector<std::uint8_t>(48)},
                                      {5, 6, std::vector<std::uint8_t>(90, 255)}};
  const auto batch = vt::preprocess<vt::Shape<3, 4, 4>>(images, {.size = 4});
  REQUIRE(batch.count() == 2);
  CHECK(batch[0].at(0, 0, 0) == -1);
  CHECK(batch[1].at(2, 3, 3) == 1);
  // As a model takes them, and with its constants.
  constexpr vt::ViTConfig config{.image = 4, .patch = 2};
  using Net = vt::ViT<config, 2, vt::cpu_double>;
  const vt::Batch<Net::input, vt::cpu_double> taken = vt::preprocess<Net>(images);
  REQUIRE(taken.count() == 2);
  CHECK(taken[1].at(2, 3, 3) == 1);
  CHECK((vt::preprocess<Net>(images[0]).to_vector() == taken[0].to_vector()));
  std::vector<float> small(47);
  CHECK_THROWS_AS(vt::preprocess(images[0], {.size = 4}, std::span(small)), vt::shape_error);
}
