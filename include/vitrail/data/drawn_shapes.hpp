// drawn_shapes.hpp - a data set that needs no download: coloured shapes, drawn from a seed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "../backend/philox.hpp"
#include "../config.hpp"
#include "../error.hpp"
#include "image_set.hpp"

namespace vitrail::inline VITRAIL_TU {

// What the labels 0 ... 9 of drawn_shapes mean.
inline constexpr std::array<std::string_view, 10> drawn_shape_names{"disc",  "ring", "square",  "frame",   "triangle",
                                                                    "cross", "star", "stripes", "checker", "crescent"};

namespace detail {

// Whether the point (u, v) lies in shape `label`; the shape is inscribed in a circle of radius 1024 about the origin.
constexpr bool inside_drawn_shape(std::size_t label, int u, int v) {
  const int left = u < 0 ? -u : u, up = v < 0 ? -v : v;
  const int square = left > up ? left : up, circle = u * u + v * v;
  constexpr int one = 1024;
  switch (label) {
    case 0:
      return circle <= one * one;
    case 1:
      return circle <= one * one && circle >= 560 * 560;
    case 2:
      return square <= 820;
    case 3:
      return square <= 820 && square >= 440;
    case 4:
      return v >= -one / 2 && v * 512 + left * 887 <= 512 * one;  // (sin, cos) of 30 degrees are 512 and 887
    case 5:
      return square <= 980 && (left <= 290 || up <= 290);
    case 6: {
      // A pentagram is where at most one of the lines through its edges is crossed; each is cos(72 degrees) = 316 from
      // the centre.
      const int crossed = (v > 316) + (left * 974 + v * 316 > 316 * one) + (left * -974 + v * 316 > 316 * one) +
                          (left * 602 - v * 828 > 316 * one) + (left * -602 - v * 828 > 316 * one);
      return crossed <= 1;
    }
    case 7:
      return circle <= one * one && ((v + one) * 5 / (2 * one)) % 2 == 0;
    case 8:
      return square <= 820 && ((u + 820) / 411 + (v + 820) / 411) % 2 == 0;
    default:
      return circle <= one * one && (u - 420) * (u - 420) + v * v > 820 * 820;
  }
}

// sine of angle / 256 turns, times 2^14. Made by the compiler with a series, so that no mathematics library has a say
// in it.
inline constexpr std::array<std::int32_t, 256> sine_table = [] {
  std::array<std::int32_t, 256> table{};
  for (int angle = 0; angle < 256; ++angle) {
    const double x = (angle < 128 ? angle : angle - 256) * (6.283185307179586 / 256);
    double term = x, sum = x;
    for (int n = 1; n < 20; ++n) {
      term *= -x * x / (2 * n * (2 * n + 1));
      sum += term;
    }
    table[static_cast<std::size_t>(angle)] = static_cast<std::int32_t>(sum * 16384 + (sum < 0 ? -0.5 : 0.5));
  }
  return table;
}();

// 0 ... count - 1, from 32 random bits.
constexpr int drawn_below(std::uint32_t bits, int count) {
  return static_cast<int>((std::uint64_t{bits} * static_cast<std::uint64_t>(count)) >> 32);
}

// Draws image `index` of the stream into `pixels` [3, 32, 32]. Integers only: the same bytes from every compiler and
// machine.
inline void draw_shape(const RandomStream& stream, std::uint32_t index, std::size_t label, std::uint8_t* pixels) {
  constexpr int side = 32, plane = side * side;
  const Philox4 place = words_at(stream, index, 0), tint = words_at(stream, index, 1),
                slope = words_at(stream, index, 2);

  const int radius = 64 + drawn_below(place.v[0], 41);  // lengths are in eighths of a pixel: 8 to 13 pixels
  const int centre_x = radius + drawn_below(place.v[1], 8 * side - 2 * radius + 1);
  const int centre_y = radius + drawn_below(place.v[2], 8 * side - 2 * radius + 1);
  const std::size_t angle = place.v[3] >> 24;
  const int sine = sine_table[angle] * 1024 / radius, cosine = sine_table[(angle + 64) % 256] * 1024 / radius;

  std::array<int, 3> ground{}, figure{}, slope_x{}, slope_y{};
  int contrast = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    ground[c] = static_cast<int>((tint.v[0] >> 8 * c) & 255u);
    figure[c] = static_cast<int>((tint.v[1] >> 8 * c) & 255u);
    slope_x[c] = drawn_below(slope.v[c] << 16, 65) - 32;
    slope_y[c] = drawn_below(slope.v[c] & 0xffff0000u, 65) - 32;
    contrast += figure[c] > ground[c] ? figure[c] - ground[c] : ground[c] - figure[c];
  }
  if (contrast < 180)
    for (std::size_t c = 0; c < 3; ++c) figure[c] = ground[c] ^ 128;

  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      int covered = 0;  // of 4 x 4 points in the pixel
      const int across = 8 * x - centre_x, down = 8 * y - centre_y;
      if (across > -radius - 8 && across < radius && down > -radius - 8 && down < radius)
        for (int j = 1; j < 8; j += 2)
          for (int i = 1; i < 8; i += 2) {
            const int u = ((across + i) * cosine + (down + j) * sine) / 16384;
            const int v = ((down + j) * cosine - (across + i) * sine) / 16384;
            covered += inside_drawn_shape(label, u, v) ? 1 : 0;
          }
      for (int c = 0; c < 3; ++c) {
        const auto channel = static_cast<std::size_t>(c);
        const int light = (slope_x[channel] * (x - side / 2) + slope_y[channel] * (y - side / 2)) / side;
        const int value = ground[channel] + (figure[channel] - ground[channel]) * covered / 16 + light;
        pixels[c * plane + y * side + x] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
      }
    }

  // The sum of two four-bit numbers: noise of a triangular distribution, -15 ... 15, standard deviation 6.5.
  for (std::uint32_t block = 0; block < 3 * plane / 16; ++block) {
    const Philox4 words = words_at(stream, index, 16 + block);
    for (std::size_t i = 0; i < 16; ++i) {
      const std::uint32_t bits = words.v[i / 4] >> 8 * (i % 4);
      std::uint8_t& pixel = pixels[16 * block + i];
      pixel = static_cast<std::uint8_t>(
          std::clamp(static_cast<int>(pixel + (bits & 15u) + (bits >> 4 & 15u)) - 15, 0, 255));
    }
  }
}

}  // namespace detail

// `count` images of 3x32x32, ten classes (drawn_shape_names): place, size, rotation, two colours, a gradient of light
// and noise vary. Neither colours nor single pixels tell the class, so that a linear model fails; a small network
// exceeds 95 %. Every ten images hold each class once. Image i depends on the seed and i alone, so a longer set starts
// with the shorter one; take another seed for the test set. The same bytes on every machine. Throws shape_error for
// 2^32 images and more.
inline ImageSet drawn_shapes(std::uint64_t seed, std::size_t count) {
  if (count > std::numeric_limits<std::uint32_t>::max())
    throw shape_error("drawn_shapes: expected fewer than 2^32 images, found " + std::to_string(count));
  constexpr std::size_t image = 3 * 32 * 32;
  ImageSet set{.channels = 3, .height = 32, .width = 32, .classes = 10, .pixels = {}, .labels = {}};
  set.pixels.resize(count * image);
  set.labels.resize(count);
  const RandomStream pictures{.seed = seed, .step = 0, .site = site_of("drawn_shapes")};
  const RandomStream order{.seed = seed, .step = 1, .site = site_of("drawn_shapes")};
  std::array<std::int32_t, 10> classes{};
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 10 == 0) {
      const auto group = static_cast<std::uint32_t>(i / 10);
      classes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
      for (std::uint32_t last = 9; last > 0; --last) {
        const int other = detail::drawn_below(words_at(order, group, last / 4).v[last % 4], static_cast<int>(last) + 1);
        std::swap(classes[last], classes[static_cast<std::size_t>(other)]);
      }
    }
    set.labels[i] = classes[i % 10];
    detail::draw_shape(pictures, static_cast<std::uint32_t>(i), static_cast<std::size_t>(classes[i % 10]),
                       &set.pixels[i * image]);
  }
  return set;
}

}  // namespace vitrail::inline VITRAIL_TU
