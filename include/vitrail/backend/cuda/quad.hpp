// quad.hpp - the lane of a GPU thread: four floats, which it reads and writes in one access of 16 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../lane_math.hpp"

// A namespace of its own: its functions are found through their arguments, and hide none of those for floats, which
// convert to quads.
namespace vitrail::inline VITRAIL_TU::cuda::quads {

VITRAIL_FUNCTION bool is_aligned(const float* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

struct quad_mask {
  bool v[4];
  friend VITRAIL_FUNCTION quad_mask operator&&(const quad_mask& a, const quad_mask& b) {
    return {{a.v[0] && b.v[0], a.v[1] && b.v[1], a.v[2] && b.v[2], a.v[3] && b.v[3]}};
  }
  friend VITRAIL_FUNCTION quad_mask operator||(const quad_mask& a, const quad_mask& b) {
    return {{a.v[0] || b.v[0], a.v[1] || b.v[1], a.v[2] || b.v[2], a.v[3] || b.v[3]}};
  }
  friend VITRAIL_FUNCTION quad_mask operator!(const quad_mask& a) { return {{!a.v[0], !a.v[1], !a.v[2], !a.v[3]}}; }
};
// Operators work element by element; a float converts to a quad of equal elements.
struct alignas(16) quad {
  float v[4];
  quad() = default;
  VITRAIL_FUNCTION quad(float x) : v{x, x, x, x} {}
  VITRAIL_FUNCTION quad(float a, float b, float c, float d) : v{a, b, c, d} {}
  // As load() of other lanes (lane_scalar.hpp).
  static VITRAIL_FUNCTION quad from(const float* p) {
    return is_aligned(p) ? *reinterpret_cast<const quad*>(p) : quad(p[0], p[1], p[2], p[3]);
  }
  static VITRAIL_FUNCTION quad from(const float* p, std::size_t n) {
    return quad(n > 0 ? p[0] : 0.0f, n > 1 ? p[1] : 0.0f, n > 2 ? p[2] : 0.0f, n > 3 ? p[3] : 0.0f);
  }

#define VITRAIL_OPERATOR(o)                                                          \
  friend VITRAIL_FUNCTION quad operator o(const quad& a, const quad& b) {            \
    return quad(a.v[0] o b.v[0], a.v[1] o b.v[1], a.v[2] o b.v[2], a.v[3] o b.v[3]); \
  }                                                                                  \
  VITRAIL_FUNCTION quad& operator o##=(const quad& b) { return *this = *this o b; }
  VITRAIL_OPERATOR(+)
  VITRAIL_OPERATOR(-)
  VITRAIL_OPERATOR(*)
  VITRAIL_OPERATOR(/)
#undef VITRAIL_OPERATOR
  friend VITRAIL_FUNCTION quad operator-(const quad& a) { return quad(-a.v[0], -a.v[1], -a.v[2], -a.v[3]); }
#define VITRAIL_COMPARISON(o)                                                      \
  friend VITRAIL_FUNCTION quad_mask operator o(const quad& a, const quad& b) {     \
    return {{a.v[0] o b.v[0], a.v[1] o b.v[1], a.v[2] o b.v[2], a.v[3] o b.v[3]}}; \
  }
  VITRAIL_COMPARISON(<)
  VITRAIL_COMPARISON(>)
  VITRAIL_COMPARISON(<=)
  VITRAIL_COMPARISON(>=)
  VITRAIL_COMPARISON(==)
  VITRAIL_COMPARISON(!=)
#undef VITRAIL_COMPARISON
};

VITRAIL_FUNCTION void store(float* p, const quad& x, std::size_t n) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i < n) p[i] = x.v[i];
  }
}
VITRAIL_FUNCTION void store(float* p, const quad& x) {
  if (is_aligned(p)) {
    *reinterpret_cast<quad*>(p) = x;
  } else {
    store(p, x, 4);
  }
}
VITRAIL_FUNCTION quad keep(const quad& x, std::size_t n, float fill) {
  return quad(n > 0 ? x.v[0] : fill, n > 1 ? x.v[1] : fill, n > 2 ? x.v[2] : fill, n > 3 ? x.v[3] : fill);
}
VITRAIL_FUNCTION float sum_of(const quad& x) { return (x.v[0] + x.v[1]) + (x.v[2] + x.v[3]); }
VITRAIL_FUNCTION float max_of(const quad& x) {
  return vitrail::max(vitrail::max(x.v[0], x.v[1]), vitrail::max(x.v[2], x.v[3]));
}
VITRAIL_FUNCTION quad select(const quad_mask& condition, const quad& a, const quad& b) {
  return quad(condition.v[0] ? a.v[0] : b.v[0], condition.v[1] ? a.v[1] : b.v[1], condition.v[2] ? a.v[2] : b.v[2],
              condition.v[3] ? a.v[3] : b.v[3]);
}

#define VITRAIL_OF_ONE(f)                                                                        \
  VITRAIL_FUNCTION quad f(const quad& x) {                                                       \
    return quad(vitrail::f(x.v[0]), vitrail::f(x.v[1]), vitrail::f(x.v[2]), vitrail::f(x.v[3])); \
  }
VITRAIL_OF_ONE(sqrt)
VITRAIL_OF_ONE(abs)
VITRAIL_OF_ONE(exp)
VITRAIL_OF_ONE(log)
VITRAIL_OF_ONE(erf)
VITRAIL_OF_ONE(tanh)
VITRAIL_OF_ONE(sigmoid)
VITRAIL_OF_ONE(log1p)
#undef VITRAIL_OF_ONE
#define VITRAIL_OF_TWO(f)                                                                           \
  VITRAIL_FUNCTION quad f(const quad& x, const quad& y) {                                           \
    return quad(vitrail::f(x.v[0], y.v[0]), vitrail::f(x.v[1], y.v[1]), vitrail::f(x.v[2], y.v[2]), \
                vitrail::f(x.v[3], y.v[3]));                                                        \
  }
VITRAIL_OF_TWO(max)
VITRAIL_OF_TWO(min)
VITRAIL_OF_TWO(pow)
#undef VITRAIL_OF_TWO

}  // namespace vitrail::inline VITRAIL_TU::cuda::quads

namespace vitrail::inline VITRAIL_TU {

namespace cuda {
using quads::quad;
}
template <>
struct lanes<cuda::quad> {
  using value = float;
  static constexpr std::size_t width = 4;
};
namespace cuda {
// The lane in which a thread runs a program: quads, but for doubles and for programs that compute next to nothing.
template <class Program>
struct LaneOfThread {
  using type = typename Program::value;
};
template <class Program>
requires std::same_as<typename Program::value, float> &&
    (!requires { Program::is_minor; }) struct LaneOfThread<Program> {
  using type = quad;
};
template <class Program>
using lane_of_thread = typename LaneOfThread<Program>::type;
}  // namespace cuda

}  // namespace vitrail::inline VITRAIL_TU
