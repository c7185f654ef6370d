// dtype.hpp - the element types of a safetensors file, and the conversion of stored elements to C++ numbers.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

static_assert(std::endian::native == std::endian::little, "safetensors stores little-endian elements");

// In the reference implementation's order, smallest alignment first: files are laid out by it (safetensors_writer.hpp).
enum class dtype : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64
};

namespace detail {
struct DtypeFacts {
  std::string_view name;
  std::size_t bits;
};
inline constexpr std::array<DtypeFacts, 22> dtype_facts{{
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
}};
}  // namespace detail

// The name in the file's header, such as "BF16".
constexpr std::string_view dtype_name(dtype type) { return detail::dtype_facts[static_cast<std::size_t>(type)].name; }
// Bits (not bytes: F4 and F6 pack) of one element.
constexpr std::size_t dtype_bits(dtype type) { return detail::dtype_facts[static_cast<std::size_t>(type)].bits; }
// The type of that name; nothing if there is none. Names are case-sensitive.
constexpr std::optional<dtype> dtype_named(std::string_view name) {
  for (std::size_t i = 0; i < detail::dtype_facts.size(); ++i)
    if (detail::dtype_facts[i].name == name) return static_cast<dtype>(i);
  return std::nullopt;
}

// What a tensor can be read as: float, double, or an integer of fixed width.
template <class T>
concept Readable = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int8_t> ||
    std::same_as<T, std::uint8_t> || std::same_as<T, std::int16_t> || std::same_as<T, std::uint16_t> ||
    std::same_as<T, std::int32_t> || std::same_as<T, std::uint32_t> || std::same_as<T, std::int64_t> ||
    std::same_as<T, std::uint64_t>;

// The dtype whose stored form is the C++ type's own.
template <Readable T>
inline constexpr dtype dtype_of = [] {
  if constexpr (std::floating_point<T>) return sizeof(T) == 4 ? dtype::f32 : dtype::f64;
  constexpr bool is_signed = std::is_signed_v<T>;
  if constexpr (sizeof(T) == 1) return is_signed ? dtype::i8 : dtype::u8;
  if constexpr (sizeof(T) == 2) return is_signed ? dtype::i16 : dtype::u16;
  if constexpr (sizeof(T) == 4) return is_signed ? dtype::i32 : dtype::u32;
  return is_signed ? dtype::i64 : dtype::u64;
}();

// IEEE binary16 to float; exact, NaN payloads and signed zeros kept.
constexpr float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31u, fraction = half & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112u) << 23 | fraction << 13);
  // A subnormal half is fraction * 2^-24, which is a normal float: flush-to-zero does not touch it.
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}
// bfloat16 to float; exact.
constexpr float float_from_bfloat16(std::uint16_t value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

namespace detail {
// Copies `count` unaligned elements stored as Stored; `convert` returns false if T cannot hold one. Gives the number
// converted.
template <class Stored, class T, class Convert>
std::size_t convert_elements(const std::byte* from, std::size_t count, T* to, Convert convert) {
  for (std::size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, from + i * sizeof(Stored), sizeof(Stored));  // a cast would be undefined: files need not align
    if (!convert(stored, to[i])) return i;
  }
  return count;
}
template <class Stored, class T>
std::size_t convert_integers(const std::byte* from, std::size_t count, T* to) {
  return convert_elements<Stored>(from, count, to, [](Stored stored, T& value) {
    if (!std::in_range<T>(stored)) return false;
    value = static_cast<T>(stored);  // NOLINT(bugprone-signed-char-misuse): a signed char is a number here
    return true;
  });
}
}  // namespace detail

// Whether elements of `type` can be read as T: floating-point types as float or double, integers as integers, BOOL as 0
// or 1.
template <Readable T>
constexpr bool convertible(dtype type) {
  if constexpr (std::floating_point<T>)
    return type == dtype::f16 || type == dtype::bf16 || type == dtype::f32 || type == dtype::f64;
  else
    return type == dtype::boolean || type == dtype::u8 || type == dtype::i8 || type == dtype::i16 ||
           type == dtype::u16 || type == dtype::i32 || type == dtype::u32 || type == dtype::i64 || type == dtype::u64;
}

// Converts `count` elements of a convertible `type`. Gives the index of the first element that T cannot hold (an
// integer out of range, a finite double beyond float), `count` if all fit.
template <Readable T>
std::size_t convert(dtype type, const std::byte* from, std::size_t count, T* to) {
  if constexpr (std::floating_point<T>) {
    switch (type) {
      case dtype::f16:
        return detail::convert_elements<std::uint16_t>(from, count, to, [](std::uint16_t stored, T& value) {
          value = float_from_half(stored);
          return true;
        });
      case dtype::bf16:
        return detail::convert_elements<std::uint16_t>(from, count, to, [](std::uint16_t stored, T& value) {
          value = float_from_bfloat16(stored);
          return true;
        });
      case dtype::f32:
        return detail::convert_elements<float>(from, count, to, [](float stored, T& value) {
          value = stored;
          return true;
        });
      case dtype::f64:
        return detail::convert_elements<double>(from, count, to, [](double stored, T& value) {
          value = static_cast<T>(stored);
          return std::isfinite(value) || !std::isfinite(stored);
        });
      default:
        return 0;
    }
  } else {
    switch (type) {
      case dtype::boolean:
        return detail::convert_elements<std::uint8_t>(from, count, to, [](std::uint8_t stored, T& value) {
          value = static_cast<T>(stored != 0);
          return true;
        });
      case dtype::u8:
        return detail::convert_integers<std::uint8_t>(from, count, to);
      case dtype::i8:
        return detail::convert_integers<std::int8_t>(from, count, to);
      case dtype::u16:
        return detail::convert_integers<std::uint16_t>(from, count, to);
      case dtype::i16:
        return detail::convert_integers<std::int16_t>(from, count, to);
      case dtype::u32:
        return detail::convert_integers<std::uint32_t>(from, count, to);
      case dtype::i32:
        return detail::convert_integers<std::int32_t>(from, count, to);
      case dtype::u64:
        return detail::convert_integers<std::uint64_t>(from, count, to);
      case dtype::i64:
        return detail::convert_integers<std::int64_t>(from, count, to);
      default:
        return 0;
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU
