// with.hpp - extents that a pattern cannot know from the shapes, bound by name: vt::with{.p = 16, .q = 16}. The keyword
// arguments of einops.
#pragma once

#include <array>
#include <cstddef>

#include "axis_extents.hpp"

namespace vitrail::inline VITRAIL_TU {

// A named type, because nvcc does not take a bare {...} as a template argument. 0: not bound. Only axes whose name is
// one lower-case letter can be bound.
struct with {
  std::size_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0, k = 0, l = 0, m = 0, n = 0, o = 0,
              p = 0, q = 0, r = 0, s = 0, t = 0, u = 0, v = 0, w = 0, x = 0, y = 0, z = 0;

  // What axis_extents takes as known. A bound name that the pattern lacks is the error binding_without_axis: `axis` is
  // the number of its letter, `found` its extent.
  constexpr AxisExtents apply(const Pattern& pattern) const {
    const std::size_t bound[] = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z};
    AxisExtents known;
    for (std::size_t letter = 0; letter < 26; ++letter) {
      if (bound[letter] == 0) continue;
      std::size_t axis = 0;
      while (axis < pattern.axes.size() &&
             (pattern.axes[axis].length != 1 || pattern.axes[axis].first != static_cast<char>('a' + letter))) {
        ++axis;
      }
      if (axis == pattern.axes.size()) {
        known.error = pattern_error::binding_without_axis;
        known.axis = letter;
        known.found = bound[letter];
        return known;
      }
      known.extent[axis] = bound[letter];
    }
    return known;
  }
};

}  // namespace vitrail::inline VITRAIL_TU
