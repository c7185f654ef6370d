// bindings.hpp - extents that a pattern cannot know from the shape: vt::with{.p = 16, .q = 16}.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "axis_extents.hpp"
#include "pattern.hpp"

namespace vitrail::inline VITRAIL_TU {

// The extents of axes whose names are one small letter, in the order of the alphabet; 0 leaves an axis to the shape. A
// named type, because nvcc does not take bare braces as a template argument.
struct with {
  std::size_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0, k = 0, l = 0, m = 0, n = 0, o = 0,
              p = 0, q = 0, r = 0, s = 0, t = 0, u = 0, v = 0, w = 0, x = 0, y = 0, z = 0;
};

struct Bindings {
  AxisExtents known;
  char unknown = 0;  // the first letter that is bound but not in the pattern
};
constexpr Bindings bound_extents(const Pattern& pattern, std::string_view text, const with& w) {
  const std::array<std::size_t, 26> extents{w.a, w.b, w.c, w.d, w.e, w.f, w.g, w.h, w.i, w.j, w.k, w.l, w.m,
                                            w.n, w.o, w.p, w.q, w.r, w.s, w.t, w.u, w.v, w.w, w.x, w.y, w.z};
  Bindings result;
  for (std::size_t i = extents.size(); i-- > 0;) {
    if (extents[i] == 0) continue;
    const char letter = static_cast<char>('a' + i);
    const std::size_t axis = find_axis(pattern, text, std::string_view(&letter, 1));
    if (axis == pattern.axes.size()) {
      result.unknown = letter;
    } else {
      result.known.extent[axis] = extents[i];
    }
  }
  return result;
}

}  // namespace vitrail::inline VITRAIL_TU
