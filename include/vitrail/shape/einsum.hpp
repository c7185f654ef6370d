// einsum.hpp - turns a two-operand einsum into strided matrix products: numpy.einsum("hqd,hkd->hqk", q, k) as one call.
#pragma once

#include "axis_extents.hpp"

#include <cstddef>
#include <initializer_list>
#include <utility>

namespace vitrail::inline VITRAIL_TU {

// One loop: how often, and how far each tensor moves per turn, in elements; 0 where the tensor does not have this axis.
struct EinsumAxis {
  std::size_t extent = 1, left = 0, right = 0, result = 0;
};
inline constexpr std::size_t max_einsum_axes = max_pattern_axes + 1;  // one more for the samples of a batch
using EinsumAxes = FixedVector<EinsumAxis, max_einsum_axes>;

// What an axis means to the product. left_only and right_only are summed within one operand (in its gradient they are
// result_only: every value along them is the same).
enum class einsum_role : unsigned char { unused, batch, row, column, inner, left_only, right_only, result_only };

constexpr einsum_role role_of(const EinsumAxis& axis) {
  using enum einsum_role;
  const bool left = axis.left != 0, right = axis.right != 0;
  if (axis.result != 0) return left && right ? batch : left ? row : right ? column : result_only;
  return left && right ? inner : left ? left_only : right ? right_only : unused;
}

// The axes of a pattern in its own numbering; all three tensors are row-major and contiguous.
constexpr EinsumAxes einsum_axes(const Pattern& pattern, const AxisExtents& extents) {
  EinsumAxes axes;
  for (std::size_t axis = 0; axis < pattern.axes.size(); ++axis) axes.push_back({extents.extent[axis]});
  const auto walk = [&](const PatternTerm& term, std::size_t EinsumAxis::*stride) {
    std::size_t step = 1;
    for (std::size_t group = term.size(); group-- > 0;) {
      for (std::size_t i = term[group].axes.size(); i-- > 0;) {
        EinsumAxis& axis = axes[term[group].axes[i]];
        axis.*stride = step;
        step *= axis.extent;
      }
    }
  };
  walk(pattern.operands[0], &EinsumAxis::left);
  walk(pattern.operands[1], &EinsumAxis::right);
  walk(pattern.result, &EinsumAxis::result);
  return axes;
}

// Adds the samples of a batch, which a pattern does not name: the outermost axis of those tensors that are batched.
// It is merged like any other, so [n d] of a batch times one weight [d m] is a single product of count * n rows, and
// the weight's gradient sums over all of them. At least one tensor must be batched; count is at least 1.
constexpr EinsumAxes with_samples(EinsumAxes axes, std::size_t count, bool left, bool right, bool result) {
  std::size_t left_size = 1, right_size = 1, result_size = 1;
  for (const EinsumAxis& axis : axes) {
    if (axis.left != 0) left_size *= axis.extent;
    if (axis.right != 0) right_size *= axis.extent;
    if (axis.result != 0) result_size *= axis.extent;
  }
  axes.push_back({count, left ? left_size : 0, right ? right_size : 0, result ? result_size : 0});
  return axes;
}

// Loops around a product of `rows` x `inner` by `inner` x `columns`: result[i * result_row + j] = sum over p of
// left[i * left_row + p * left_inner] * right[p * right_inner + j * right_column] The result's columns are always
// contiguous. Integers only, trivially copyable: kernels may receive it.
struct EinsumPlan {
  std::size_t rows = 1, columns = 1, inner = 1;
  std::size_t left_row = 0, left_inner = 0, right_inner = 0, right_column = 0, result_row = 0;
  // Outermost first. The first `independent` ones go to different parts of the result and may run in parallel; the
  // others add: their first turn (all of them at 0) writes, later ones accumulate.
  EinsumAxes loops;
  std::size_t independent = 0;
  bool swapped = false;  // the product's left factor is the pattern's second operand

  // result[b] = left[b] * right[b] for at most one run of b: one call of a strided batched product.
  constexpr bool is_single_product() const { return independent == loops.size() && independent <= 1; }
  // No product at all: result[..] = left[..] * right[..], whose last loop moves through the result by 1.
  constexpr bool is_elementwise() const { return rows * columns * inner == 1; }
  constexpr std::size_t multiply_adds() const {
    std::size_t count = rows * columns * inner;
    for (const EinsumAxis& loop : loops) count *= loop.extent;
    return count;
  }
};

namespace detail {

// Drops axes of extent 1 and makes one of any two that all three tensors walk through in one stride.
constexpr EinsumAxes merged(const EinsumAxes& axes) {
  EinsumAxes result;
  for (const EinsumAxis& axis : axes) {
    if (axis.extent != 1) result.push_back(axis);
  }
  for (std::size_t outer = 0; outer < result.size();) {
    std::size_t inner = 0;
    const EinsumAxis a = result[outer];
    while (inner < result.size()) {
      const EinsumAxis& b = result[inner];
      if (inner != outer && a.left == b.extent * b.left && a.right == b.extent * b.right &&
          a.result == b.extent * b.result) {
        break;
      }
      ++inner;
    }
    if (inner == result.size()) {
      ++outer;
    } else {
      result[inner].extent *= a.extent;
      result.erase(outer);
      outer = 0;
    }
  }
  return result;
}

// Removes and returns the longest axis of the first role that occurs; an axis of extent 1 if none does.
constexpr EinsumAxis take(EinsumAxes& axes, std::initializer_list<einsum_role> roles) {
  for (const einsum_role role : roles) {
    std::size_t best = axes.size();
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (role_of(axes[i]) == role && (best == axes.size() || axes[i].extent > axes[best].extent)) best = i;
    }
    if (best != axes.size()) {
      const EinsumAxis taken = axes[best];
      axes.erase(best);
      return taken;
    }
  }
  return {};
}

}  // namespace detail

// Every list of axes has a plan, and no plan copies. One merged axis each becomes the product's rows, columns and
// inner sum; what cannot be merged into them is a loop. Slow, and absent from attention, linear layers and their
// gradients: a batch axis as the result's innermost (columns is 1 then: matrix-vector products), an axis summed in
// one operand beside an inner one (a product for each of its values), a result_only axis (computed for each of its
// values).
constexpr EinsumPlan lower_einsum(EinsumAxes axes) {
  using enum einsum_role;
  axes = detail::merged(axes);
  // Only an axis along which the result is contiguous can be the columns, so it decides which operand is on the right.
  einsum_role innermost = unused;
  std::size_t longest_row = 1, longest_column = 1;
  for (const EinsumAxis& axis : axes) {
    const einsum_role role = role_of(axis);
    if (axis.result == 1) innermost = role;
    if (role == row && axis.extent > longest_row) longest_row = axis.extent;
    if (role == column && axis.extent > longest_column) longest_column = axis.extent;
  }
  EinsumPlan plan;
  plan.swapped = innermost == row || (innermost != column && longest_column > longest_row);
  for (EinsumAxis& axis : axes) {
    if (plan.swapped) std::swap(axis.left, axis.right);
  }
  const auto contiguous = [&]() -> EinsumAxis {
    for (std::size_t i = 0; i < axes.size() && innermost != batch; ++i) {
      if (axes[i].result == 1) {
        const EinsumAxis taken = axes[i];
        axes.erase(i);
        return taken;
      }
    }
    return {};
  }();
  const EinsumAxis sum = detail::take(axes, {inner, left_only, right_only});
  // Nothing to sum and no columns: the loops alone are better, their last one is contiguous.
  const bool elementwise = innermost == batch && sum.extent == 1;
  const EinsumAxis down = elementwise ? EinsumAxis{} : detail::take(axes, {row, result_only});

  plan.rows = down.extent, plan.columns = contiguous.extent, plan.inner = sum.extent;
  plan.left_row = down.left, plan.result_row = down.result;
  plan.left_inner = sum.left, plan.right_inner = sum.right;
  plan.right_column = contiguous.right;
  for (const EinsumAxis& axis : axes) {
    std::size_t at = axis.result == 0 ? plan.loops.size() : 0;
    while (at < plan.independent && plan.loops[at].result > axis.result) ++at;
    plan.loops.insert(at, axis);
    plan.independent += axis.result != 0;
  }
  return plan;
}
constexpr EinsumPlan lower_einsum(const Pattern& pattern, const AxisExtents& extents) {
  return lower_einsum(einsum_axes(pattern, extents));
}

// The einsum that computes the gradient of operand 0 or 1: the output's gradient takes that operand's place, and the
// operand the result's. Lower it with the extents of the forward pattern: an axis that only the operand had is now on
// the right alone.
constexpr Pattern gradient_pattern(Pattern pattern, std::size_t operand) {
  std::swap(pattern.operands[operand], pattern.result);
  return pattern;
}

}  // namespace vitrail::inline VITRAIL_TU
