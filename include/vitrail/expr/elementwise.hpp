// elementwise.hpp - an expression as an operation: one fused loop forward, one backward, on every backend.
#pragma once

#include <array>
#include <bit>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/rows.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The pointers of an expression with N leaves. Leaf I moves along with the result if bit I of Full is set, else it
// repeats.
template <class T, class Tree, unsigned Full, unsigned Tracked, std::size_t N>
struct ExpressionKernel {
  using value = T;
  Tree tree;
  const T* in[N];
  T* out;
  const T* out_gradient;
  T* gradient[N];
  bool adds[N];
  std::size_t period;

  template <std::size_t I>
  static constexpr std::size_t offset(std::size_t base) {
    return (Full >> I) & 1 ? base : 0;
  }
  template <class L, class J>
  VITRAIL_FUNCTION auto loader(std::size_t base, J j) const {
    return [this, base, j](auto number) VITRAIL_LAMBDA { return get<L>(in[number] + offset<number>(base), j); };
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
      if (gradient[number]) put<L>(gradient[number] + base, j, g, adds[number]);
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
  template <class P>
  void forward(const Arguments<P, N>& a) const {
    const detail::ExpressionForward<decltype(kernel(a))> program{kernel(a)};
    if constexpr (repeats) {
      a.backend->rows(a.count * S::size / Period, Period, program);
    } else {
      a.backend->elementwise(a.count * S::size, program);
    }
  }
  template <class P>
  void backward(const Arguments<P, N>& a) const {
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
      Columns<typename P::value, sums> to;
      to.work = a.work.fixed;
      for (std::size_t i = 0, s = 0; i < N; ++i) {
        if (!((summed >> i) & 1)) continue;
        to.at[s] = a.gradient[i].wanted() ? a.gradient[i].at : nullptr;
        to.add[s++] = a.gradient[i].adds();
      }
      a.backend->template columns<sums>(a.count * S::size / Period, Period,
                                        detail::ExpressionSums<summed, decltype(kernel(a))>{k}, to);
    }
  }

 private:
  template <class P>
  auto kernel(const Arguments<P, N>& a) const {
    detail::ExpressionKernel<typename P::value, Tree, Full, Tracked, N> k{tree, {}, a.out, a.out_gradient,
                                                                          {},   {}, Period};
    for (std::size_t i = 0; i < N; ++i) {
      k.in[i] = a.in[i];
      k.gradient[i] = a.gradient[i].wanted() ? a.gradient[i].at : nullptr;
      k.adds[i] = a.gradient[i].adds();
    }
    return k;
  }
};

}  // namespace vitrail::inline VITRAIL_TU
