// philox.cpp - Random123's published vectors, the counter's layout, and the moments of what is drawn.
#include "catch.hpp"

#include <vitrail/backend/philox.hpp>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

using namespace vitrail;

namespace {

// Random123, tests/kat_vectors: philox4x32 with 10 rounds.
constexpr std::uint32_t ones = 0xffffffffu;
static_assert(philox(0, {{0, 0, 0, 0}}) == Philox4{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
static_assert(philox(~std::uint64_t{0}, {{ones, ones, ones, ones}}) ==
              Philox4{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
static_assert(philox(0x299f31d0a4093822u, {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}) ==
              Philox4{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});

// The layout: {element / 4, sample, step, site}.
constexpr RandomStream stream{.seed = 0x299f31d0a4093822u, .step = 0x13198a2e, .site = 0x03707344};
static_assert(words_at(stream, 0x85a308d3, 0x243f6a88) == Philox4{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
static_assert(uniform_at(stream, 0x85a308d3, std::uint64_t{0x243f6a88} * 4 + 2) == uniform(0x5001e420));

static_assert(uniform(0) == 0.0f && uniform(ones) == 1.0f - 0x1p-24f && uniform(0x80000000u) == 0.5f);
static_assert(uniform(0, 0) == 0.0 && uniform(ones, ones) == 1.0 - 0x1p-53 && uniform(0, ones) == 0x1p-32 - 0x1p-53);

// FNV-1a 64 of "" and "foobar" are published; the rest is folding and the top bit.
static_assert(site_of("") == ((0xcbf29ce4u ^ 0x84222325u) | 0x80000000u));
static_assert(site_of("foobar") == ((0x85944171u ^ 0xf73967e8u) | 0x80000000u));
static_assert(site_of("blocks.0.attn.qkv.weight") != site_of("blocks.1.attn.qkv.weight"));

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};
Moments moments_of(const std::vector<double>& values) {
  Moments result;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) result.mean += value / count;
  for (const double value : values) {
    const double d = value - result.mean;
    result.variance += d * d / count;
    result.skewness += d * d * d / count;
    result.kurtosis += d * d * d * d / count;
  }
  result.skewness /= std::pow(result.variance, 1.5);
  result.kurtosis /= result.variance * result.variance;
  return result;
}

constexpr std::size_t draws = 1u << 20;

}  // namespace

TEST_CASE("philox at run time gives the published vectors") {
  volatile std::uint32_t zero = 0;
  const Philox4 words = philox(zero, {{zero, zero, zero, zero}});
  CHECK(words == Philox4{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
}

TEST_CASE("uniform numbers have the moments, the cells and the neighbours of a uniform distribution") {
  std::vector<double> values;
  std::array<double, 64> cells{};
  double product = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    const double value = uniform_at({.seed = 1}, 0, i);
    REQUIRE(value >= 0.0);
    REQUIRE(value < 1.0);
    if (i > 0) product += (value - 0.5) * (values.back() - 0.5);
    values.push_back(value);
    cells[static_cast<std::size_t>(value * 64)] += 1;
  }
  const Moments moments = moments_of(values);
  CHECK(std::abs(moments.mean - 0.5) < 5 * std::sqrt(1.0 / 12 / draws));
  CHECK(std::abs(moments.variance - 1.0 / 12) < 5 * std::sqrt(1.0 / 180 / draws));
  CHECK(std::abs(product / draws) < 5 / 12.0 / std::sqrt(double{draws}));
  double chi_squared = 0;
  for (const double cell : cells) chi_squared += (cell - draws / 64.0) * (cell - draws / 64.0) / (draws / 64.0);
  CHECK(chi_squared < 63 + 5 * std::sqrt(2 * 63.0));
  CHECK(chi_squared > 63 - 5 * std::sqrt(2 * 63.0));
}

TEST_CASE("a float is the double cut off after 24 bits, so a mask does not depend on the element type") {
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double precise = uniform_at<double>(stream, 7, i);
    REQUIRE(uniform_at<float>(stream, 7, i) == std::floor(precise * 0x1p24) * 0x1p-24);
  }
  CHECK(low_words_at(stream, 7, 0) != words_at(stream, 7, 0));
}

TEST_CASE("normal numbers have the moments and tails of a normal distribution, finite at the ends of their words") {
  std::vector<double> values;
  double product = 0, beyond_three = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    values.push_back(normal_at<double>({.seed = 2}, 0, i));
    if (i % 2 == 1) product += values[i] * values[i - 1];  // the two of one Box-Muller pair
    beyond_three += std::abs(values[i]) > 3;
  }
  const Moments moments = moments_of(values);
  const double count = draws;
  CHECK(std::abs(moments.mean) < 5 / std::sqrt(count));
  CHECK(std::abs(moments.variance - 1) < 5 * std::sqrt(2 / count));
  CHECK(std::abs(moments.skewness) < 5 * std::sqrt(6 / count));
  CHECK(std::abs(moments.kurtosis - 3) < 5 * std::sqrt(24 / count));
  CHECK(std::abs(product / (count / 2)) < 5 / std::sqrt(count / 2));
  CHECK(std::abs(beyond_three / count - 0.0026998) < 5 * std::sqrt(0.0027 / count));
  CHECK(normal(0, 0).cosine == Approx(6.7637).epsilon(1e-4));
  CHECK(std::isfinite(normal(ones, ones).sine));
  CHECK(std::hypot(normal(5, 9).cosine, normal(5, 9).sine) == Approx(std::sqrt(-2 * std::log(5.5 * 0x1p-32))));
  const Philox4 words = words_at(stream, 3, 1);
  CHECK(normal_at<double>(stream, 3, 4) == normal(words.v[0], words.v[1]).cosine);
  CHECK(normal_at<double>(stream, 3, 7) == normal(words.v[2], words.v[3]).sine);
  CHECK(normal_at<float>(stream, 3, 6) == static_cast<float>(normal_at<double>(stream, 3, 6)));
}

TEST_CASE("every coordinate of the counter changes what is drawn") {
  std::set<std::uint32_t> seen;
  std::size_t drawn = 0;
  for (std::uint32_t i = 0; i < 3; ++i) {
    for (std::uint32_t j = 0; j < 3; ++j) {
      for (std::uint32_t k = 0; k < 3; ++k) {
        for (std::uint32_t l = 0; l < 3; ++l) {
          for (const std::uint32_t word : words_at({.seed = i, .step = j, .site = k}, l, 0).v)
            seen.insert(word), ++drawn;
          for (const std::uint32_t word : words_at({.seed = i, .step = j, .site = k}, l, 1).v)
            seen.insert(word), ++drawn;
        }
      }
    }
  }
  CHECK(seen.size() == drawn);
}

TEST_CASE("names of a deep model have sites of their own, above every operation's ordinal") {
  std::set<std::uint32_t> sites;
  for (int block = 0; block < 1000; ++block) {
    for (const char* leaf : {"norm1.weight", "attn.qkv.weight", "attn.qkv.bias", "mlp.fc1.weight"}) {
      const std::uint32_t site = site_of("blocks." + std::to_string(block) + "." + leaf);
      CHECK(site >= 0x80000000u);
      sites.insert(site);
    }
  }
  CHECK(sites.size() == 4000);
}
