// positions.cpp - position embeddings of another image size are timm's; fixtures/make_positions.py made the expected
// values.
#include "vitrail/io/positions.hpp"

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "vitrail/io/safetensors.hpp"

namespace vt = vitrail;

TEST_CASE("positions are resampled as timm does, and the rows before the patches stay") {
  const auto file = vt::Safetensors::open(std::string(VITRAIL_TESTS) + "/io/fixtures/positions.safetensors");
  std::size_t cases = 0;
  for (const std::string name : {"1 4 7 ", "1 7 4 ", "2 5 8 ", "0 6 3 ", "1 14 5 "}) {
    INFO(name);
    const auto from = file.read<float>(name + "from"), expected = file.read<float>(name + "to");
    const auto prefix = static_cast<std::size_t>(name[0] - '0');
    std::vector<float> found(expected.size());
    vt::resample_positions(std::span<const float>(from), prefix, 3, std::span(found));
    CHECK(std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(3 * prefix), from.begin()));
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(double(found[i] - expected[i])));
    CHECK(worst < 1e-5);
    ++cases;
  }
  CHECK(cases == 5);
}

TEST_CASE("what is no square of patches is refused") {
  const std::vector<float> square(5 * 2), oblong(4 * 2);
  std::vector<float> to(10 * 2), none(1 * 2);
  CHECK_NOTHROW(vt::resample_positions(std::span<const float>(square), 1, 2, std::span(to)));
  CHECK_THROWS_AS(vt::resample_positions(std::span<const float>(oblong), 1, 2, std::span(to)), vt::shape_error);
  CHECK_THROWS_AS(vt::resample_positions(std::span<const float>(square), 1, 2, std::span(none)), vt::shape_error);
  CHECK_THROWS_AS(vt::resample_positions(std::span<const float>(square), 1, 0, std::span(to)), vt::shape_error);
}
