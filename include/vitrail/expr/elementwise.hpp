// elementwise.hpp - an expression as an operation: one fused loop forward, one backward, on every backend.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/bf16.hpp"
#include "../backend/rows.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// Where N leaves and their gradients lie; null: not wanted.
template <class T, class X, unsigned Stored, std::size_t N>
struct LeafPointers {
  template <std::size_t I>
  using leaf = std::conditional_t<((Stored >> I) & 1) != 0, X, T>;
  using result = std::conditional_t<(Stored & output_bit) != 0, X, T>;
  using Address = std::conditional_t<Stored == 0, T*, void*>;
  using ConstAddress = std::conditional_t<Stored == 0, const T*, const void*>;
  ConstAddress inputs[N];
  Address gradients[N];
  bool adds[N];

  template <class P>
  static LeafPointers of(const Arguments<P, N, Stored>& a) {
    LeafPointers leaves;
    for (std::size_t i = 0; i < N; ++i) {
      leaves.inputs[i] = a.in[i];
      leaves.gradients[i] = a.gradient[i].wanted() ? a.gradient[i].at : nullptr;
      leaves.adds[i] = a.gradient[i].adds();
    }
    return leaves;
  }
  template <std::size_t I>
  VITRAIL_FUNCTION const leaf<I>* in() const {
    return static_cast<const leaf<I>*>(inputs[I]);
  }
  template <std::size_t I>
  VITRAIL_FUNCTION leaf<I>* gradient() const {
    return static_cast<leaf<I>*>(gradients[I]);
  }
};

// The pointers of an expression with N leaves. Leaf I moves along with the result if bit I of Full is set, else it
// repeats. Bit I of Stored: it lies as an X, as the result does if its bit is set; else as a T.
template <class T, class X, unsigned Stored, class Tree, unsigned Full, unsigned Tracked, std::size_t N>
struct ExpressionKernel {
  using value = T;
  using Leaves = LeafPointers<T, X, Stored, N>;
  using result = typename Leaves::result;
  Tree tree;
  Leaves leaves;
  result* out;
  const result* out_gradient;
  std::size_t period;

  template <std::size_t I>
  static constexpr std::size_t offset(std::size_t base) {
    return (Full >> I) & 1 ? base : 0;
  }
  template <class L, class J>
  VITRAIL_FUNCTION auto loader(std::size_t base, J j) const {
    return [this, base, j](auto number)
               VITRAIL_LAMBDA { return get<L>(leaves.template in<number>() + offset<number>(base), j); };
  }
  template <class L, class J>
  VITRAIL_FUNCTION void compute(std::size_t base, J j) const {
    put<L>(out + base, j, tree.template eval<L>(loader<L>(base, j)).value);
  }
  // The gradients of the leaves in Mask, each to sink(number, gradient).
  template <unsigned Mask, class L, class J, class Sink>
  VITRAIL_FUNCTION void differentiate(std::size_t base, J j, const Sink& sink) const {
    const L g = get<L>(out_gradient + base, j);
    if constexpr (Tree::sums_leaves) {
      tree.template pull<Mask, L>(typename Tree::template Node<L>{}, g, sink);
    } else {
      tree.template pull<Mask, L>(tree.template eval<L>(loader<L>(base, j)), g, sink);
    }
  }
  template <unsigned Mask, class L, class J>
  VITRAIL_FUNCTION void differentiate_into(std::size_t base, J j) const {
    differentiate<Mask, L>(base, j, [this, base, j](auto number, const L& g) VITRAIL_LAMBDA {
      auto* const to = leaves.template gradient<number>();
      if (to) put<L>(to + base, j, g, leaves.adds[number]);
    });
  }
};

template <class Kernel>
struct ExpressionForward : Kernel {
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    this->template compute<L>(0, j);
  }
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    const std::size_t base = r * this->period;
    row.each(this->period, [&](auto j) VITRAIL_LAMBDA { this->template compute<typename R::lane>(base, j); });
  }
};
template <unsigned Mask, class Kernel>
struct ExpressionBackward : Kernel {
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    this->template differentiate_into<Mask, L>(0, j);
  }
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    const std::size_t base = r * this->period;
    row.each(this->period,
             [&](auto j) VITRAIL_LAMBDA { this->template differentiate_into<Mask, typename R::lane>(base, j); });
  }
};
// A repeated leaf's gradient is a sum over the repetitions; leaf number I goes to the sum with the ordinal of I in
// Mask.
template <unsigned Mask, class Kernel>
struct ExpressionSums : Kernel {
  template <class L, class J, std::size_t K>
  VITRAIL_FUNCTION void add(std::size_t r, J j, L (&sums)[K]) const {
    this->template differentiate<Mask, L>(r * this->period, j,
                                          [&](auto number, const L& g) VITRAIL_LAMBDA { sums[ordinal<number>] += g; });
  }

 private:
  template <std::size_t I>
  static constexpr int ordinal = std::popcount(Mask&((1u << I) - 1));
};

}  // namespace detail

// Tree over N leaves -> S. Full and Tracked are masks of leaves; those that are not full repeat every Period elements.
template <class Tree, class S, std::size_t Period, unsigned Full, unsigned Tracked, std::size_t N>
struct Elementwise {
  using shape = S;
  static constexpr const char* name = Tree::sums_leaves ? "add" : "elementwise";
  static constexpr unsigned every = (1u << N) - 1;
  static constexpr unsigned summed = Tracked & ~Full, direct = Tracked & Full;
  static constexpr bool repeats = Full != every;
  static constexpr std::size_t sums = std::popcount(summed);
  Tree tree;

  template <class P>
  static constexpr Facts facts(std::array<bool, N>) {
    Facts f;
    f.flops = S::size * N;
    f.backward_flops = Tracked ? S::size * N : 0;
    f.saves = Tracked && !Tree::sums_leaves ? every : 0;
    f.alias = Tree::sums_leaves ? Full : 0;
    f.in_place = Full;
    f.recompute_cost = S::size * elementwise_cost;
    f.backward_work.fixed = columns_workspace(Period, sums);
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, N, Stored>& a) const {
    const detail::ExpressionForward<decltype(kernel(a))> program{kernel(a)};
    if constexpr (repeats) {
      a.backend->rows(a.count * S::size / Period, Period, program);
    } else {
      a.backend->elementwise(a.count * S::size, program);
    }
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, N, Stored>& a) const {
    static_assert((Stored & summed) == 0, "a leaf that repeats is one for the whole batch");
    const auto k = kernel(a);
    bool any = false;
    for (std::size_t i = 0; i < N; ++i) any |= ((direct >> i) & 1) && a.gradient[i].wanted();
    if constexpr (direct != 0) {
      const detail::ExpressionBackward<direct, decltype(kernel(a))> program{k};
      if (!any) {
        // every gradient is an alias of the output's
      } else if constexpr (repeats) {
        a.backend->rows(a.count * S::size / Period, Period, program);
      } else {
        a.backend->elementwise(a.count * S::size, program);
      }
    }
    if constexpr (sums > 0) {
      using T = typename P::value;
      Columns<T, sums> to;
      to.work = a.work.fixed;
      for (std::size_t i = 0, s = 0; i < N; ++i) {
        if (!((summed >> i) & 1)) continue;
        to.at[s] = a.gradient[i].wanted() ? static_cast<T*>(a.gradient[i].at) : nullptr;
        to.add[s++] = a.gradient[i].adds();
      }
      a.backend->template columns<sums>(a.count * S::size / Period, Period,
                                        detail::ExpressionSums<summed, decltype(kernel(a))>{k}, to);
    }
  }

 private:
  template <class P, unsigned Stored>
  auto kernel(const Arguments<P, N, Stored>& a) const {
    using Kernel = detail::ExpressionKernel<typename P::value, stored_of<P>, Stored, Tree, Full, Tracked, N>;
    return Kernel{tree, Kernel::Leaves::of(a), a.out, a.out_gradient, Period};
  }
};

}  // namespace vitrail::inline VITRAIL_TU
