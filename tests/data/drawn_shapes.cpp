// drawn_shapes.cpp - the drawn data set is the same everywhere, balanced, and cannot be told by brightness.
#include <vitrail/data/drawn_shapes.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "catch.hpp"

using namespace vitrail;

namespace {

constexpr std::size_t image = 3 * 32 * 32;

std::uint64_t checksum(const ImageSet& set) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  const auto add = [&](std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3u; };
  for (const std::uint8_t pixel : set.pixels) add(pixel);
  for (const std::int32_t label : set.labels) add(static_cast<std::uint64_t>(label));
  return hash;
}

}  // namespace

TEST_CASE("drawn shapes: the bytes of a seed never change") {
  CHECK(checksum(drawn_shapes(0, 100)) == 0xfbeb34ec14f3f417u);
  CHECK(checksum(drawn_shapes(0x123456789abcdefu, 1000)) == 0x82c2df8c29ca34f5u);
}

TEST_CASE("drawn shapes: shape of the set, empty set, names") {
  const ImageSet set = drawn_shapes(1, 25);
  CHECK(set.size() == 25);
  CHECK((set.channels == 3 && set.height == 32 && set.width == 32 && set.classes == 10));
  CHECK(set.pixels.size() == 25 * image);
  CHECK(drawn_shapes(1, 0).size() == 0);
  CHECK(std::set<std::string_view>(drawn_shape_names.begin(), drawn_shape_names.end()).size() == set.classes);
  CHECK_THROWS_AS(drawn_shapes(1, std::size_t{1} << 32), shape_error);
}

TEST_CASE("drawn shapes: every ten images hold every class, in no fixed order") {
  const ImageSet set = drawn_shapes(7, 2000);
  std::array<int, 10> first{};
  for (std::size_t group = 0; group < 200; ++group) {
    std::set<std::int32_t> seen;
    for (std::size_t i = 0; i < 10; ++i) seen.insert(set.labels[10 * group + i]);
    CHECK((seen.size() == 10 && *seen.begin() == 0 && *seen.rbegin() == 9));
    ++first[static_cast<std::size_t>(set.labels[10 * group])];
  }
  // 20 expected; a deviation of 15 has a probability below 1 in 1,000, and the seed is fixed.
  for (const int count : first) CHECK(std::abs(count - 20) < 15);
}

TEST_CASE("drawn shapes: a longer set starts with the shorter one, another seed gives other images") {
  const ImageSet shorter = drawn_shapes(3, 35), longer = drawn_shapes(3, 60), other = drawn_shapes(4, 35);
  CHECK(std::equal(shorter.pixels.begin(), shorter.pixels.end(), longer.pixels.begin()));
  CHECK(std::equal(shorter.labels.begin(), shorter.labels.end(), longer.labels.begin()));
  std::set<std::string> different;
  for (const ImageSet* set : {&longer, &other}) {
    for (std::size_t i = 0; i < set->size(); ++i) {
      const auto* first = set->pixels.data() + i * image;
      different.emplace(first, first + image);
    }
  }
  CHECK(different.size() == 95);
}

TEST_CASE("drawn shapes: neither brightness nor contrast tells the class") {
  const ImageSet set = drawn_shapes(11, 10'000);
  // Per class: mean over images of the image's mean, and of its deviation.
  std::array<double, 10> mean{}, deviation{};
  for (std::size_t i = 0; i < set.size(); ++i) {
    double sum = 0, squares = 0;
    for (std::size_t j = 0; j < image; ++j) {
      const double value = set.pixels[i * image + j];
      sum += value;
      squares += value * value;
    }
    const double average = sum / image;
    const auto label = static_cast<std::size_t>(set.labels[i]);
    mean[label] += average / 1000;
    deviation[label] += std::sqrt(squares / image - average * average) / 1000;
  }
  const auto [darkest, lightest] = std::minmax_element(mean.begin(), mean.end());
  const auto [flattest, liveliest] = std::minmax_element(deviation.begin(), deviation.end());
  CHECK((*darkest > 115 && *lightest < 140));
  CHECK(*lightest - *darkest < 10);
  CHECK(*liveliest - *flattest < 12);  // of about 55, with a spread of about 15 from image to image
}

TEST_CASE("drawn shapes: the table of sines") {
  for (std::size_t angle = 0; angle < 256; ++angle) {
    const double exact = 16384 * std::sin(static_cast<double>(angle) * (6.283185307179586 / 256));
    CHECK(std::abs(detail::sine_table[angle] - exact) < 0.501);
  }
}
