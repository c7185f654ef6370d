// einsum.hpp - a sum of products over named axes: vt::einsum<"h q d, h k d -> h q k">(q, k). numpy.einsum, of two
// operands.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../shape/einsum.hpp"
#include "../shape/fixed_string.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Runs a plan: a strided batched product over the longest loop that writes different parts of the result, inside the
// other loops. A loop that adds writes in its first turn.
template <class B, class T>
void run_einsum(const B& backend, const EinsumPlan& plan, const T* left, const T* right, T* result, bool adds) {
  if (plan.swapped) std::swap(left, right);
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

// A pattern with the shapes of its operands, as constants.
template <FixedString Text, class Left, class Right>
struct EinsumPattern {
  static constexpr Pattern pattern = parse_pattern(Text.view(), pattern_use::einsum);
  static constexpr AxisExtents extents = axis_extents<Left, Right>(pattern);
  static constexpr Extents dims = result_extents(pattern, extents);
  template <std::size_t... I>
  static Shape<dims[I]...> shape_of(std::index_sequence<I...>);
  using shape = decltype(shape_of(std::make_index_sequence<dims.size()>{}));
  static constexpr EinsumAxes forward = einsum_axes(pattern, extents);
  static constexpr EinsumAxes left_gradient = einsum_axes(gradient_pattern(pattern, 0), extents);
  static constexpr EinsumAxes right_gradient = einsum_axes(gradient_pattern(pattern, 1), extents);
  static constexpr std::size_t multiply_adds = lower_einsum(forward).multiply_adds();
};

}  // namespace detail

// E is a detail::EinsumPattern; Left and Right say which operands are batched.
template <class E, bool LeftBatched, bool RightBatched>
struct EinsumOp {
  using shape = typename E::shape;
  static constexpr const char* name = "einsum";
  static constexpr bool batched = LeftBatched || RightBatched;

  template <class P>
  static constexpr Facts facts(std::array<bool, 2> tracked) {
    Facts f;
    f.flops = 2 * E::multiply_adds;
    f.is_product = true;
    f.backward_flops = f.flops * (std::size_t(tracked[0]) + std::size_t(tracked[1]));
    f.saves = (tracked[1] ? 1u : 0u) | (tracked[0] ? 2u : 0u);
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

template <pattern_error What, std::size_t Position>
struct error_einsum_pattern_is_not_valid;
template <pattern_error What, std::size_t Expected, std::size_t Found>
struct error_einsum_shapes_do_not_fit_the_pattern;

// Two operands -> the axes right of the arrow; what stands left only is summed. Patterns name the axes of one sample,
// never the batch. It is computed as matrix products without a copy; matrix-like patterns are one call.
template <FixedString Text, class A, class B>
constexpr auto einsum(const A& a, const B& b) {
  using E = detail::EinsumPattern<Text, typename A::shape, typename B::shape>;
  if constexpr (!E::pattern.ok()) {
    return refuse<error_einsum_pattern_is_not_valid<E::pattern.error, E::pattern.position>>(a, b);
  } else if constexpr (!E::extents.ok()) {
    return refuse<error_einsum_shapes_do_not_fit_the_pattern<E::extents.error, E::extents.expected, E::extents.found>>(
        a, b);
  } else {
    return apply(a.ctx, EinsumOp<E, A::batched, B::batched>{}, a, b);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
