// einsum_op.hpp - an einsum of two operands as an operation: products without a copy, or loops where there is no
// product.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/strided.hpp"
#include "../shape/einsum.hpp"
#include "../shape/einsum_loops.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Lanes along the result: a program row is a block of it. With sums the block is four registers, so that there are
// enough rows for all threads; without any it is long, since a row costs some divisions.
template <class T>
struct EinsumLanes {
  using value = T;
  EinsumLoops loops;
  std::size_t block, blocks;  // of the inner axis
  const T *left, *right;
  T* result;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const EinsumAxis at = EinsumLoops::position(loops.outer, r / blocks), inner = loops.inner;
    const std::size_t first = r % blocks * block, rest = inner.extent - first;
    const T *x = left + at.left + first * inner.left, *y = right + at.right + first * inner.right;
    T* out = result + at.result + first;
    const std::size_t count = rest < block ? rest : block;
    const bool sums = loops.terms() != 1;
    if (!sums && inner.left == 1 && inner.right == 1) {
      row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, get<L>(x, j) * get<L>(y, j), adds); });
    } else {
      row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(out, j, sums ? sum<L>(x, y, j) : term<L>(x, y, j), adds); });
    }
  }

 private:
  template <class L, class J>
  VITRAIL_FUNCTION L term(const T* x, const T* y, J j) const {
    return get_strided<L>(x, j, loops.inner.left) * get_strided<L>(y, j, loops.inner.right);
  }
  // Four sums at a time, as in Row::sum.
  template <class L, class J>
  VITRAIL_FUNCTION L sum(const T* x, const T* y, J j) const {
    L sums[4] = {constant<L>(0), constant<L>(0), constant<L>(0), constant<L>(0)};
    const EinsumAxis steps = loops.steps;
    const std::size_t turns = EinsumLoops::turns(loops.sums), fours = steps.extent / 4 * 4;
    for (std::size_t turn = 0; turn < turns; ++turn) {
      const EinsumAxis at = EinsumLoops::position(loops.sums, turn);
      const T *l = x + at.left, *r = y + at.right;
      std::size_t t = 0;
      for (; t < fours; t += 4) {
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) sums[i] += term<L>(l + (t + i) * steps.left, r + (t + i) * steps.right, j);
      }
      for (; t < steps.extent; ++t) sums[0] += term<L>(l + t * steps.left, r + t * steps.right, j);
    }
    return L((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
};
// Lanes along the sum: a program row is one result.
template <class T>
struct EinsumRuns {
  using value = T;
  EinsumLoops loops;
  const T *left, *right;
  T* result;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const EinsumAxis at = EinsumLoops::position(loops.outer, r);
    const std::size_t terms = loops.terms();
    T sum = 0;
    for (std::size_t i = 0; i < terms; ++i) {
      const EinsumAxis term = EinsumLoops::position(loops.sums, i / loops.steps.extent);
      const std::size_t step = i % loops.steps.extent;
      const T* x = left + at.left + term.left + step * loops.steps.left;
      const T* y = right + at.right + term.right + step * loops.steps.right;
      sum += row.sum(loops.inner.extent, [&](auto j) VITRAIL_LAMBDA { return get<L>(x, j) * get<L>(y, j); });
    }
    row.once([&]() VITRAIL_LAMBDA { result[at.result] = adds ? result[at.result] + sum : sum; });
  }
};

template <class B, class T>
void run_einsum_loops(const B& backend, const EinsumPlan& plan, einsum_path path, const T* left, const T* right,
                      T* result, bool adds) {
  const EinsumLoops loops = loops_of(plan, path);
  const std::size_t outer = EinsumLoops::turns(loops.outer), terms = loops.terms();
  if (path == einsum_path::lanes) {
    const std::size_t block = std::min<std::size_t>(terms == 1 ? 2048 : 64, loops.inner.extent);
    const std::size_t blocks = (loops.inner.extent + block - 1) / block;
    backend.rows(outer * blocks, block * terms, EinsumLanes<T>{loops, block, blocks, left, right, result, adds});
  } else {
    backend.rows(outer, loops.inner.extent * terms, EinsumRuns<T>{loops, left, right, result, adds});
  }
}
// A strided batched product over the longest loop that writes different parts of the result, inside the other loops. A
// loop that adds writes in its first turn.
template <class B, class T>
void run_einsum_products(const B& backend, const EinsumPlan& plan, const T* left, const T* right, T* result,
                         bool adds) {
  const auto stride = [](std::size_t s) { return static_cast<std::ptrdiff_t>(s ? s : 1); };  // of an axis of extent 1
  const auto step = [](std::size_t s) { return static_cast<std::ptrdiff_t>(s); };
  Product<T> p;
  p.m = plan.rows, p.n = plan.columns, p.k = plan.inner;
  p.a_row = plan.rows > 1 ? step(plan.left_row) : stride(plan.left_row);
  p.a_column = plan.inner > 1 ? step(plan.left_inner) : stride(plan.left_inner);
  p.b_row = plan.inner > 1 ? step(plan.right_inner) : stride(plan.right_inner);
  p.b_column = plan.columns > 1 ? step(plan.right_column) : stride(plan.right_column);
  p.c_row = stride(plan.result_row);
  std::size_t batch = plan.loops.size();
  for (std::size_t i = 0; i < plan.independent; ++i) {
    if (batch == plan.loops.size() || plan.loops[i].extent > plan.loops[batch].extent) batch = i;
  }
  if (batch < plan.loops.size()) {
    const EinsumAxis& loop = plan.loops[batch];
    p.count = loop.extent;
    p.a_batch = step(loop.left), p.b_batch = step(loop.right), p.c_batch = step(loop.result);
  }
  std::array<std::size_t, max_einsum_axes> turn{};
  for (bool more = true; more;) {
    std::size_t l = 0, r = 0, c = 0;
    bool first = true;
    for (std::size_t i = 0; i < plan.loops.size(); ++i) {
      l += turn[i] * plan.loops[i].left, r += turn[i] * plan.loops[i].right, c += turn[i] * plan.loops[i].result;
      first &= i < plan.independent || turn[i] == 0;
    }
    p.a = left + l, p.b = right + r, p.c = result + c;
    p.accumulate = adds || !first;
    backend.product(p);
    more = false;
    for (std::size_t i = plan.loops.size(); i-- > 0 && !more;) {
      if (i == batch) continue;
      more = ++turn[i] < plan.loops[i].extent;
      if (!more) turn[i] = 0;
    }
  }
}
template <class B, class T>
void run_einsum(const B& backend, const EinsumPlan& plan, const T* left, const T* right, T* result, bool adds) {
  if (plan.swapped) std::swap(left, right);
  const einsum_path path = path_of(plan);
  if (path == einsum_path::product) {
    run_einsum_products(backend, plan, left, right, result, adds);
  } else {
    run_einsum_loops(backend, plan, path, left, right, result, adds);
  }
}

// A pattern of two operands and the extents of its axes (members of Source) as constants.
template <class Source>
struct EinsumConstants {
  static constexpr Pattern pattern = Source::pattern;
  static constexpr AxisExtents extents = Source::extents;
  static constexpr Extents dims = result_extents(pattern, extents);
  using shape = shape_from<dims>;
  // Merged here, so that a call has next to nothing left to merge.
  static constexpr EinsumAxes forward = merged(einsum_axes(pattern, extents));
  static constexpr EinsumAxes left_gradient = merged(einsum_axes(gradient_pattern(pattern, 0), extents));
  static constexpr EinsumAxes right_gradient = merged(einsum_axes(gradient_pattern(pattern, 1), extents));
  static constexpr std::size_t multiply_adds = lower_einsum(forward).multiply_adds();
  static constexpr bool multiplies_only = sums_nothing(lower_einsum(forward));
};

}  // namespace detail

// E is a detail::EinsumConstants; Left and Right say which operands are batched.
template <class E, bool LeftBatched, bool RightBatched>
struct EinsumOp {
  using shape = typename E::shape;
  static constexpr const char* name = "einsum";
  static constexpr bool batched = LeftBatched || RightBatched;

  template <class P>
  static constexpr Facts facts(std::array<bool, 2> tracked) {
    Facts f;
    f.flops = (E::multiplies_only ? 1 : 2) * E::multiply_adds;
    f.is_product = !E::multiplies_only;
    f.backward_flops = f.flops * (std::size_t(tracked[0]) + std::size_t(tracked[1]));
    f.saves = (tracked[1] ? 1u : 0u) | (tracked[0] ? 2u : 0u);
    f.recompute_cost = E::multiplies_only ? shape::size * elementwise_cost : 0;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 2>& a) const {
    run(a, E::forward, {LeftBatched, RightBatched, batched}, a.in[0], a.in[1], a.out, false);
  }
  template <class P>
  void backward(const Arguments<P, 2>& a) const {
    const auto &left = a.gradient[0], &right = a.gradient[1];
    if (left.wanted()) {
      run(a, E::left_gradient, {batched, RightBatched, LeftBatched}, a.out_gradient, a.in[1], left.at, left.adds());
    }
    if (right.wanted()) {
      run(a, E::right_gradient, {LeftBatched, batched, RightBatched}, a.in[0], a.out_gradient, right.at, right.adds());
    }
  }

 private:
  template <class P, class T>
  static void run(const Arguments<P, 2>& a, const EinsumAxes& axes, std::array<bool, 3> has_samples, const T* left,
                  const T* right, T* result, bool adds) {
    const EinsumPlan plan =
        lower_einsum(batched ? with_samples(axes, a.count, has_samples[0], has_samples[1], has_samples[2]) : axes);
    detail::run_einsum(*a.backend, plan, left, right, result, adds);
  }
};

}  // namespace vitrail::inline VITRAIL_TU
