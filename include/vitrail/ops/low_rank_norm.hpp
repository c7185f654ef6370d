// low_rank_norm.hpp - the length of each row of W + scale B A: what DoRA divides by.
#pragma once

#include <array>
#include <cstddef>

#include "low_rank.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
// Row r of B meets row r of its part of W. With B = 0 it is the length of W's row, to the bit.
template <class T>
struct LowRankNorm {
  using value = T;
  std::size_t in, rank, width, count;  // width: rows of a part, of `count`
  unsigned mask;
  const T *weight, *a, *b;
  T* to;
  T scale;

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    std::size_t left = r / width, part = 0;
    for (; part < count; ++part) {
      if ((mask >> part & 1u) && left-- == 0) break;
    }
    const T *w = weight + (part * width + r % width) * in, *down = a + r / width * rank * in, *up = b + r * rank;
    const T square = row.sum(in, [&](auto j) VITRAIL_LAMBDA {
      L v = get<L>(w, j);
      for (std::size_t k = 0; k < rank; ++k) v = v + L(scale * up[k]) * get<L>(down + k * in, j);
      return v * v;
    });
    to[r] = vitrail::sqrt(square);
  }
};
// Row r times by[r] / length[r].
template <class T>
struct ScaleRows {
  using value = T;
  std::size_t width;
  const T *by, *length;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    T* out = to + r * width;
    const L factor = L(by[r] / length[r]);
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(out, j) * factor); });
  }
};
}  // namespace detail

// Inputs as LowRankOp has them, with the weight [Out, In] in place of y and x. It has no backward: DoRA takes the
// length as a constant of the step (Liu et al. 2024, section 4.3).
template <std::size_t Out, std::size_t In, std::size_t Rank, std::size_t Count, unsigned Mask>
struct LowRankNormOp {
  static constexpr std::size_t width = Out / Count, rows = width * parts{Count, Mask}.selected();
  using shape = Shape<rows>;
  static constexpr const char* name = "low_rank_norm";
  double scale;

  template <class P>
  static constexpr Facts facts(std::array<bool, 3>) {
    Facts f;
    f.flops = 2 * rows * In * (Rank + 1);
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 3>& a) const {
    run(*a.backend, a.in[0], a.in[1], a.in[2], a.out);
  }
  template <class B, class T>
  void run(const B& backend, const T* weight, const T* a, const T* b, T* to) const {
    backend.rows(rows, In * (Rank + 1),
                 detail::LowRankNorm<T>{In, Rank, width, Count, Mask, weight, a, b, to, static_cast<T>(scale)});
  }
};

}  // namespace vitrail::inline VITRAIL_TU
