// bf16.hpp - bfloat16 in memory: the upper half of a float. It is read into floats and written from them; nothing is
// computed in it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "rows.hpp"

#ifdef __CUDACC__
#include <cuda_bf16.h>
#endif

namespace vitrail::inline VITRAIL_TU {

// Rounded to the nearest, ties to even, as PyTorch and the device do. A sum in it would lose its terms, so that there
// are no operators: `T sum = ..; sum += x[i]` with a T of float.
struct bf16 {
  std::uint16_t bits;

  bf16() = default;
  explicit VITRAIL_HOST_DEVICE bf16(float x) : bits(rounded(x)) {}
  VITRAIL_HOST_DEVICE operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

 private:
  static VITRAIL_HOST_DEVICE std::uint16_t rounded(float x) {
#ifdef __CUDA_ARCH__
    return __bfloat16_as_ushort(__float2bfloat16_rn(x));
#else
    const auto all = std::bit_cast<std::uint32_t>(x);
    if ((all & 0x7fffffff) > 0x7f800000) return static_cast<std::uint16_t>((all >> 16) | 0x40);  // NaN stays one
    return static_cast<std::uint16_t>((all + 0x7fff + ((all >> 16) & 1)) >> 16);
#endif
  }
};

// What elements of type X are computed with.
template <class X>
using computed = std::conditional_t<std::is_same_v<X, bf16>, float, X>;

namespace detail {
// N elements that lie together, in one access where the address allows.
template <std::size_t N>
struct alignas(N * sizeof(bf16)) Bf16Group {
  bf16 v[N];
};
template <std::size_t N>
VITRAIL_HOST_DEVICE bool lies_as_group(const bf16* at) {
  return N > 1 && reinterpret_cast<std::uintptr_t>(at) % sizeof(Bf16Group<N>) == 0;
}
}  // namespace detail

// As for floats (rows.hpp), L being float or a lane of them.
template <class L>
VITRAIL_FUNCTION L get(const bf16* row, Rest j) {
  constexpr std::size_t width = lanes<L>::width;
  float x[width] = {};
  for (std::size_t i = 0; i < width; ++i) {
    if (i < j.count) x[i] = row[j.at + i];
  }
  return load<L>(x);
}
template <class L>
VITRAIL_FUNCTION L get(const bf16* row, Whole j) {
  constexpr std::size_t width = lanes<L>::width;
  const bf16* const from = row + j.at;
  if (!detail::lies_as_group<width>(from)) return get<L>(row, Rest{j.at, width});
  const auto group = *reinterpret_cast<const detail::Bf16Group<width>*>(from);
  alignas(width * sizeof(float)) float x[width];
  for (std::size_t i = 0; i < width; ++i) x[i] = group.v[i];
  return load<L>(x);
}
template <class L>
VITRAIL_FUNCTION void put(bf16* row, Rest j, const L& values) {
  constexpr std::size_t width = lanes<L>::width;
  alignas(width * sizeof(float)) float x[width];
  store(x, values);
  for (std::size_t i = 0; i < width; ++i) {
    if (i < j.count) row[j.at + i] = bf16(x[i]);
  }
}
template <class L>
VITRAIL_FUNCTION void put(bf16* row, Whole j, const L& values) {
  constexpr std::size_t width = lanes<L>::width;
  bf16* const to = row + j.at;
  if (!detail::lies_as_group<width>(to)) return put<L>(row, Rest{j.at, width}, values);
  alignas(width * sizeof(float)) float x[width];
  store(x, values);
  detail::Bf16Group<width> group;
  for (std::size_t i = 0; i < width; ++i) group.v[i] = bf16(x[i]);
  *reinterpret_cast<detail::Bf16Group<width>*>(to) = group;
}
template <class L, class J>
VITRAIL_FUNCTION void put(bf16* row, J j, const L& x, bool add) {
  put<L>(row, j, add ? L(get<L>(row, j) + x) : x);
}

}  // namespace vitrail::inline VITRAIL_TU
