// broadcast.hpp - an expression whose operands repeat along any axes, as an operation. What repeats in the simple way,
// along the first axes only, is elementwise.hpp's.
#pragma once

#include <array>
#include <bit>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/partial_sums.hpp"
#include "../backend/rows.hpp"
#include "elementwise.hpp"
#include "layout.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Where a row, or its part in a sum, begins in the result and in each of N leaves.
template <std::size_t N>
struct RowOffsets {
  std::size_t out = 0, in[N] = {};
};
// Some of the axes round the innermost one.
template <std::size_t N>
struct RowAxes {
  std::size_t count = 0, extent[max_layout_axes] = {};
  RowOffsets<N> stride[max_layout_axes] = {};

  constexpr void push_back(std::size_t axis_extent, const RowOffsets<N>& axis_stride) {
    extent[count] = axis_extent;
    stride[count++] = axis_stride;
  }
  constexpr std::size_t size() const {
    std::size_t product = 1;
    for (std::size_t k = 0; k < count; ++k) product *= extent[k];
    return product;
  }
  VITRAIL_FUNCTION RowOffsets<N> at(std::size_t number, RowOffsets<N> offsets) const {
    for (std::size_t k = count; k-- > 0;) {
      const std::size_t index = number % extent[k];
      number /= extent[k];
      offsets.out += index * stride[k].out;
      for (std::size_t i = 0; i < N; ++i) offsets.in[i] += index * stride[k].in[i];
    }
    return offsets;
  }
};

// Rows are the innermost axis; leaf I moves along it if bit I of Moves is set, else one element serves the whole row.
template <class T, class X, unsigned Stored, class Tree, unsigned Moves, std::size_t N>
struct BroadcastKernel {
  using value = T;
  using Leaves = LeafPointers<T, X, Stored, N>;
  using result = typename Leaves::result;
  Tree tree;
  Leaves leaves;
  result* out;
  const result* out_gradient;
  std::size_t width;
  RowAxes<N> axes;

  template <class L, class J>
  VITRAIL_FUNCTION auto loader(const RowOffsets<N>& at, J j) const {
    return [this, &at, j](auto number) VITRAIL_LAMBDA {
      constexpr std::size_t i = decltype(number)::value;
      if constexpr ((Moves >> i) & 1) {
        return get<L>(leaves.template in<i>() + at.in[i], j);
      } else {
        return L(T(leaves.template in<i>()[at.in[i]]));
      }
    };
  }
  // The gradients of the leaves in Mask, each to sink(number, gradient).
  template <unsigned Mask, class L, class J, class Sink>
  VITRAIL_FUNCTION void differentiate(const RowOffsets<N>& at, J j, const Sink& sink) const {
    tree.template pull<Mask, L>(tree.template eval<L>(loader<L>(at, j)), get<L>(out_gradient + at.out, j), sink);
  }
};

template <class Kernel>
struct BroadcastForward : Kernel {
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const auto at = this->axes.at(r, {});
    row.each(this->width, [&](auto j) VITRAIL_LAMBDA {
      put<L>(this->out + at.out, j, this->tree.template eval<L>(this->template loader<L>(at, j)).value);
    });
  }
};
// Leaves that have all elements of the result.
template <unsigned Mask, class Kernel>
struct BroadcastBackward : Kernel {
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const auto at = this->axes.at(r, {});
    row.each(this->width, [&](auto j) VITRAIL_LAMBDA {
      this->template differentiate<Mask, L>(at, j, [&](auto number, const L& g) VITRAIL_LAMBDA {
        auto* const to = this->leaves.template gradient<number>();
        if (to) put<L>(to + at.out, j, g, this->leaves.adds[number]);
      });
    });
  }
};
// The gradient of leaf I, which repeats: a row for each of its own rows, in `parts` parts of the sum.
template <std::size_t I, bool MovesInRow, std::size_t N, class Kernel, class To>
struct BroadcastSum : Kernel {
  using T = typename Kernel::value;
  RowAxes<N> summed;  // this->axes are those along which it moves
  std::size_t rows, parts, terms;
  To* to;
  bool add;

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t part = r / rows;
    const auto start = this->axes.at(r % rows, {});
    const std::size_t begin = terms * part / parts, end = terms * (part + 1) / parts;
    if constexpr (MovesInRow) {
      row.each(this->width, [&](auto j) VITRAIL_LAMBDA {
        L sum = constant<L>(0);
        for (std::size_t q = begin; q < end; ++q) sum += term<L>(summed.at(q, start), j);
        put<L>(to + r * this->width, j, sum, add);
      });
    } else {
      T sum = 0;
      for (std::size_t q = begin; q < end; ++q) {
        const auto at = summed.at(q, start);
        sum += row.sum(this->width, [&](auto j) VITRAIL_LAMBDA { return term<L>(at, j); });
      }
      row.once([&]() VITRAIL_LAMBDA { to[r] = To(add ? to[r] + sum : sum); });
    }
  }
  template <class L, class J>
  VITRAIL_FUNCTION L term(const RowOffsets<N>& at, J j) const {
    L found = constant<L>(0);
    this->template differentiate<(1u << I), L>(at, j, [&](auto, const L& g) VITRAIL_LAMBDA { found = found + g; });
    return found;
  }
};

}  // namespace detail

// Tree over leaves that lie in the result as Layout, a detail::Layout, says.
template <class Tree, class Layout, unsigned Tracked>
struct Broadcast {
  using shape = typename Layout::shape;
  static constexpr const char* name = "broadcast";
  static constexpr std::size_t N = Layout::leaves, rank = Layout::axes.size();
  static constexpr unsigned direct = Tracked & Layout::full, moves = Layout::axes[rank - 1].present;
  static constexpr std::size_t width = Layout::axes[rank - 1].extent;
  Tree tree;

  // A sum over many rows into few is cut into parts; their number follows from sizes alone, for the same bits with any
  // number of threads.
  static constexpr std::size_t most_parts = 8, few_rows = 64;
  static constexpr std::size_t leaf_size(std::size_t i) {  // without samples
    std::size_t size = 1;
    for (const detail::LayoutAxis& axis : Layout::axes)
      size *= axis.extent && ((axis.present >> i) & 1) ? axis.extent : 1;
    return size;
  }

  template <class P>
  static constexpr Facts facts(std::array<bool, N>) {
    Facts f;
    f.flops = shape::size * N;
    f.backward_flops = Tracked ? shape::size * N : 0;
    f.saves = Tracked ? Layout::every : 0;
    f.alias = Tree::sums_leaves ? Layout::full : 0;
    f.in_place = Layout::full;
    f.recompute_cost = shape::size * elementwise_cost;
    for (std::size_t i = 0; i < N; ++i) {
      if (((Tracked & ~direct) >> i) & 1)
        f.backward_work.fixed = std::max(f.backward_work.fixed, most_parts * leaf_size(i));
    }
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, N, Stored>& a) const {
    const auto k = kernel(a, Layout::every);
    a.backend->rows(k.axes.size(), width, detail::BroadcastForward<decltype(kernel(a, 0))>{k});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, N, Stored>& a) const {
    if constexpr (direct != 0) {
      bool any = false;
      for (std::size_t i = 0; i < N; ++i) any |= ((direct >> i) & 1) && a.gradient[i].wanted();
      const auto k = kernel(a, Layout::every);
      if (any) a.backend->rows(k.axes.size(), width, detail::BroadcastBackward<direct, decltype(kernel(a, 0))>{k});
    }
    [&]<std::size_t... I>(std::index_sequence<I...>) { (sum_gradient<I>(a), ...); }
    (std::make_index_sequence<N>{});
  }

 private:
  // With the axes in `which` as those of its rows: bit I for those along which leaf I moves, `every` for all.
  template <class P, unsigned Stored>
  auto kernel(const Arguments<P, N, Stored>& a, unsigned which) const {
    using Kernel = detail::BroadcastKernel<typename P::value, stored_of<P>, Stored, Tree, moves, N>;
    return Kernel{tree, Kernel::Leaves::of(a), a.out, a.out_gradient, width, outer_axes(a.count, which, true)};
  }
  // The axes round the innermost one: those along which a leaf of `which` moves, or, if not `moving`, the others.
  static constexpr detail::RowAxes<N> outer_axes(std::size_t count, unsigned which, bool moving) {
    detail::RowAxes<N> list;
    for (std::size_t k = 0; k + 1 < rank; ++k) {
      if (((Layout::axes[k].present & which) != 0) != moving) continue;
      detail::RowOffsets<N> stride;
      stride.out = stride_of(k, Layout::every);
      for (std::size_t i = 0; i < N; ++i) {
        stride.in[i] = (Layout::axes[k].present >> i) & 1 ? stride_of(k, 1u << i) : 0;
      }
      list.push_back(Layout::axes[k].extent ? Layout::axes[k].extent : count, stride);
    }
    return list;
  }
  // How far a tensor that moves along the axes of `which` is from one turn of axis k to the next.
  static constexpr std::size_t stride_of(std::size_t k, unsigned which) {
    std::size_t stride = 1;
    for (std::size_t inner = k + 1; inner < rank; ++inner) {
      if (Layout::axes[inner].present & which) stride *= Layout::axes[inner].extent;
    }
    return stride;
  }
  template <std::size_t I, class P, unsigned Stored>
  void sum_gradient(const Arguments<P, N, Stored>& a) const {
    if constexpr (((Tracked & ~Layout::full) >> I) & 1) {
      using T = typename P::value;
      const auto& g = a.gradient[I];
      if (!g.wanted()) return;
      const std::size_t rows = outer_axes(a.count, 1u << I, true).size();
      const std::size_t terms = outer_axes(a.count, 1u << I, false).size();
      const bool has_samples = (Layout::axes[0].extent == 0) && ((Layout::axes[0].present >> I) & 1);
      if (has_samples || rows >= few_rows || terms < 2 * most_parts) {
        return sum_parts<I>(a, rows, terms, 1, gradient_at<I>(a), g.adds());
      }
      sum_parts<I>(a, rows, terms, most_parts, a.work.fixed, false);
      const std::size_t size = rows * (((moves >> I) & 1) ? width : 1);
      a.backend->elementwise(
          size, detail::PartialSums<T>{a.work.fixed, size, most_parts, static_cast<T*>(a.gradient[I].at), g.adds()});
    }
  }
  template <std::size_t I, class A, class To>
  void sum_parts(const A& a, std::size_t rows, std::size_t terms, std::size_t parts, To* to, bool adds) const {
    using Program = detail::BroadcastSum<I, ((moves >> I) & 1) != 0, N, decltype(kernel(a, 0)), To>;
    a.backend->rows(rows * parts, width * terms / parts,
                    Program{kernel(a, 1u << I), outer_axes(a.count, 1u << I, false), rows, parts, terms, to, adds});
  }
};

namespace detail {
// Rows that are shorter do not fill the lanes.
inline constexpr std::size_t shortest_period = 8;
// The operation of an expression.
template <class Tree, class Layout, unsigned Tracked>
struct OperationOf {
  using type = Broadcast<Tree, Layout, Tracked>;
};
template <class Tree, class Layout, unsigned Tracked>
requires(Layout::full == Layout::every || Layout::period >= shortest_period) struct OperationOf<Tree, Layout, Tracked> {
  using type = Elementwise<Tree, typename Layout::shape, Layout::period, Layout::full, Tracked, Layout::leaves>;
};
}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
