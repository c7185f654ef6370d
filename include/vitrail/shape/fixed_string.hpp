// fixed_string.hpp - a string literal as a template argument: rearrange<"h w c -> (h w) c">(x).
#pragma once

#include "../config.hpp"

#include <cstddef>
#include <string_view>

namespace vitrail::inline VITRAIL_TU {

// Host only: nvcc cannot print this type back, so no kernel's type may depend on one. Parse it into integers first. A
// raw array and a written constructor, because nvcc fails with std::array even on the host. Length counts the final
// 0.
template <std::size_t Length>
struct FixedString {
  char characters[Length]{};

  constexpr FixedString(const char (&text)[Length]) {  // implicit: the literal stands where the template argument is
    for (std::size_t i = 0; i < Length; ++i) {
      characters[i] = text[i];
    }
  }
  constexpr std::string_view view() const { return {characters, Length - 1}; }
};

}  // namespace vitrail::inline VITRAIL_TU
