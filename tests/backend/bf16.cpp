// bf16.cpp - bfloat16 in memory: how floats are rounded to it, and lanes of it.
#include "catch.hpp"

#include <vitrail/backend/bf16.hpp>
#include <vitrail/backend/cuda/quad.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace vt = vitrail;

namespace {
float rounded(float x) { return vt::bf16(x); }
// From the definition: the nearer of the two neighbours with 8 bits of mantissa, the even one of equally near ones.
// NaN where one of them is infinite.
float nearest(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x) & 0xffff0000u;
  const double below = std::bit_cast<float>(bits), above = std::bit_cast<float>(bits + 0x10000u);
  if (!std::isfinite(above)) return std::numeric_limits<float>::quiet_NaN();
  const double to_below = std::abs(x - below), to_above = std::abs(above - x);
  const bool even = (bits & 0x10000u) == 0;
  return static_cast<float>(to_below < to_above || (to_below == to_above && even) ? below : above);
}
}  // namespace

TEST_CASE("floats are rounded to the nearest bf16, ties to even") {
  CHECK(rounded(1) == 1);
  CHECK(rounded(1 + 1.0f / 256) == 1);                // half way: down to the even one
  CHECK(rounded(1 + 3.0f / 256) == 1 + 1.0f / 64);    // half way: up to the even one
  CHECK(rounded(1 + 1.01f / 256) == 1 + 1.0f / 128);  // a little more than half
  std::uint32_t state = 1;
  for (int i = 0; i < 100000; ++i) {
    state = state * 1664525u + 1013904223u;
    const auto x = std::bit_cast<float>(state);
    if (!std::isfinite(x) || std::isnan(nearest(x))) continue;
    if (rounded(x) != nearest(x)) FAIL(x);
  }
}
TEST_CASE("infinities, NaN and signed zeros stay what they are") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(rounded(infinity) == infinity);
  CHECK(rounded(-infinity) == -infinity);
  CHECK(rounded(std::numeric_limits<float>::max()) == infinity);
  CHECK(std::isnan(rounded(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(rounded(std::bit_cast<float>(0x7f800001u))));  // its mantissa is in the lower half alone
  CHECK(std::signbit(rounded(-0.0f)));
}
TEST_CASE("lanes are read and written at any address, whole or in part") {
  using vt::cuda::quad;
  alignas(16) vt::bf16 row[16];
  for (std::size_t first = 0; first < 8; ++first) {
    for (int i = 0; i < 16; ++i) row[i] = vt::bf16(static_cast<float>(i));
    const quad x = vt::get<quad>(row, vt::Whole{first});
    for (std::size_t i = 0; i < 4; ++i) CHECK(x.v[i] == static_cast<float>(first + i));
    const quad part = vt::get<quad>(row, vt::Rest{first, 3});
    CHECK(part.v[2] == static_cast<float>(first + 2));
    CHECK(part.v[3] == 0);
    vt::put<quad>(row, vt::Whole{first}, x * quad(2), true);
    vt::put<quad>(row, vt::Rest{first + 4, 2}, quad(-1));
    for (std::size_t i = 0; i < 16; ++i) {
      const auto number = static_cast<float>(i);
      CHECK(row[i] == (i < first || i >= first + 6 ? number : i < first + 4 ? 3 * number : -1));
    }
  }
  CHECK(vt::get<float>(row, vt::Whole{15}) == 15);
}
