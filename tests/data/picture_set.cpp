// picture_set.cpp - pictures and image sets become what a model of another size or other channels sees.
#include "vitrail/data/picture_set.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "catch.hpp"
#include "vitrail/data/batches.hpp"
#include "vitrail/data/drawn_shapes.hpp"
#include "vitrail/nn/policy.hpp"

namespace vt = vitrail;

TEST_CASE("a set of a picture, normalised, is what preprocess makes of it") {
  const vt::ImageSet drawn = vt::drawn_shapes(3, 2);
  const vt::Preprocess how{.size = 20, .crop = 0.8};
  const vt::ImageSet set = vt::fitted(drawn, how, 3);
  REQUIRE(set.pixels.size() == 2 * 3 * 20 * 20);
  CHECK((set.classes == 10 && set.labels == drawn.labels));
  using S = vt::Shape<3, 20, 20>;
  const vt::Batches<S, vt::cpu> batches(
      set, {{how.mean.begin(), how.mean.end()}, {how.deviation.begin(), how.deviation.end()}}, 2);
  vt::Batch<S> found;
  vt::Labels labels;
  batches.load(0, found, labels);
  std::vector<float> expected(S::size);
  for (std::size_t i = 0; i < 2; ++i) {
    vt::preprocess(vt::picture_of(drawn, i), how, std::span(expected));
    CHECK(std::equal(expected.begin(), expected.end(), found[i].data()));
  }
}

TEST_CASE("grey and colour") {
  const vt::ImageSet grey{1, 2, 2, 3, {10, 20, 30, 40}, {2}};
  const vt::Preprocess same{.size = 2, .crop = 1};
  const vt::ImageSet colour = vt::fitted(grey, same, 3);
  CHECK(colour.pixels == std::vector<std::uint8_t>{10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40});
  CHECK(vt::fitted(colour, same, 1).pixels == grey.pixels);
  CHECK(vt::to_grey({1, 1, {255, 0, 0}}).pixels == std::vector<std::uint8_t>{76, 76, 76});
  vt::ImageSet other{3, 2, 3, 1, {}, {}};
  CHECK_THROWS_AS(vt::append_picture(other, {2, 2, std::vector<std::uint8_t>(12)}, 0, same), vt::shape_error);
  CHECK(other.labels.empty());
}
