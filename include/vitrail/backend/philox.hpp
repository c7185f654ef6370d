// philox.hpp - random numbers as a function of where they are used: Philox4x32-10 (Salmon et al., SC11; Random123).
#pragma once

#include "../config.hpp"

#include <cmath>
#include <concepts>
#include <cstdint>
#include <string_view>

namespace vitrail::inline VITRAIL_TU {

// Four 32-bit words: a counter, or the random bits made of it. A plain array, because kernels receive it.
struct Philox4 {
  std::uint32_t v[4];
  friend constexpr bool operator==(const Philox4&, const Philox4&) = default;
};

// Ten rounds: seven already pass BigCrush, the authors recommend ten. `key` is the seed: its low half is the key's
// first word.
VITRAIL_HOST_DEVICE VITRAIL_INLINE constexpr Philox4 philox(std::uint64_t key, Philox4 counter) {
  std::uint32_t a = counter.v[0], b = counter.v[1], c = counter.v[2], d = counter.v[3];
  std::uint32_t low_key = static_cast<std::uint32_t>(key), high_key = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53u} * a;
    const std::uint64_t second = std::uint64_t{0xCD9E8D57u} * c;
    a = static_cast<std::uint32_t>(second >> 32) ^ b ^ low_key;
    b = static_cast<std::uint32_t>(second);
    c = static_cast<std::uint32_t>(first >> 32) ^ d ^ high_key;
    d = static_cast<std::uint32_t>(first);
    low_key += 0x9E3779B9u;   // golden ratio
    high_key += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return {{a, b, c, d}};
}

// What is drawn from: `site` tells operations (their ordinal) and initial values (site_of their name) apart. Two
// draws share bits only if seed, step, site, sample and element are equal, so nothing depends on threads, on the
// batch's cut or on the ranks.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t site = 0;
  const std::uint32_t* later = nullptr;  // added to the step, if there: a recorded step has its number in a variable
  constexpr std::uint32_t step_now() const { return later ? step + *later : step; }
};

// The bits of elements 4 * block ... 4 * block + 3 of a sample, one word each. `sample` counts in the global batch,
// over all ranks. A sample has fewer than 2^33 elements, so a block's top bit is free (low_words_at uses it).
VITRAIL_HOST_DEVICE VITRAIL_INLINE constexpr Philox4 words_at(const RandomStream& stream, std::uint32_t sample,
                                                              std::uint32_t block) {
  return philox(stream.seed, {{block, sample, stream.step_now(), stream.site}});
}
// 32 more bits for each of the same elements, for draws that need more than one word.
VITRAIL_HOST_DEVICE VITRAIL_INLINE constexpr Philox4 low_words_at(const RandomStream& stream, std::uint32_t sample,
                                                                  std::uint32_t block) {
  return words_at(stream, sample, block | 0x80000000u);
}

// Uniform in [0, 1): every multiple of 2^-24 (float) is equally likely, so 1 cannot come out by rounding.
VITRAIL_HOST_DEVICE VITRAIL_INLINE constexpr float uniform(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-24f;
}
// Uniform in [0, 1), every multiple of 2^-53. `bits` leads: float is this value cut off after 24 bits.
VITRAIL_HOST_DEVICE VITRAIL_INLINE constexpr double uniform(std::uint32_t bits, std::uint32_t low_bits) {
  return static_cast<double>((std::uint64_t{bits} << 21) | (low_bits >> 11)) * 0x1p-53;
}

// Two independent standard normals from two words.
struct NormalPair {
  double cosine, sine;
};
// Box-Muller: sqrt(-2 log u) * (cos, sin)(2 pi v), u and v at the middle of their 2^-32 cell, so u is never 0 and the
// largest magnitude is 6.76. In double also for float tensors: the values of a float and a double model then differ
// by rounding alone, and two math libraries practically never round differently.
VITRAIL_HOST_DEVICE VITRAIL_INLINE NormalPair normal(std::uint32_t bits, std::uint32_t angle_bits) {
  const double radius = std::sqrt(-2.0 * std::log((static_cast<double>(bits) + 0.5) * 0x1p-32));
  const double angle = 6.283185307179586 * ((static_cast<double>(angle_bits) + 0.5) * 0x1p-32);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// One element's uniform number. Loops take words_at once per four elements instead; the numbers are the same.
template <std::floating_point T = float>
VITRAIL_HOST_DEVICE VITRAIL_INLINE constexpr T uniform_at(const RandomStream& stream, std::uint32_t sample,
                                                          std::uint64_t element) {
  const auto block = static_cast<std::uint32_t>(element / 4);
  const auto bits = words_at(stream, sample, block).v[element % 4];
  if constexpr (sizeof(T) == sizeof(float)) {
    return uniform(bits);
  } else {
    return static_cast<T>(uniform(bits, low_words_at(stream, sample, block).v[element % 4]));
  }
}
// One element's standard normal: words 0 and 1 of a block make its elements 0 (cosine) and 1 (sine), words 2 and 3
// the others.
template <std::floating_point T = float>
VITRAIL_HOST_DEVICE VITRAIL_INLINE T normal_at(const RandomStream& stream, std::uint32_t sample,
                                               std::uint64_t element) {
  const Philox4 words = words_at(stream, sample, static_cast<std::uint32_t>(element / 4));
  const bool upper = element % 4 >= 2;
  const NormalPair pair = upper ? normal(words.v[2], words.v[3]) : normal(words.v[0], words.v[1]);
  return static_cast<T>(element % 2 == 0 ? pair.cosine : pair.sine);
}

// The site of a parameter's initial values: FNV-1a of its name (64 bits, halves folded). The top bit is set and an
// operation's ordinal never reaches it, so initial values share no bits with a dropout mask.
constexpr std::uint32_t site_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char character : name) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3u;
  }
  return static_cast<std::uint32_t>(hash ^ (hash >> 32)) | 0x80000000u;
}

}  // namespace vitrail::inline VITRAIL_TU
