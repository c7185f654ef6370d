// stack.hpp - blocks one after the other. They may differ, and the type of x may change on the way, from untracked to
// tracked.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "module.hpp"
#include "policy.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class... Blocks>
struct Stack : Module<Stack<Blocks...>> {
  static constexpr bool has_uncounted_members = true;  // a tuple is one member, but visited block by block
  std::tuple<Blocks...> blocks;

  static constexpr void visit(auto& self, auto&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (f(I, std::get<I>(self.blocks)), ...); }
    (std::index_sequence_for<Blocks...>{});
  }
  constexpr auto forward(const auto& x) const {
    return each(x, [](const auto& block, std::size_t, const auto& in) { return block(in); });
  }
  // step(block, its number, x) for one block after the other, each on the result of the one before. The number is a
  // std::integral_constant.
  template <std::size_t I = 0, class X, class Step>
  constexpr auto each(const X& x, const Step& step) const {
    if constexpr (I == sizeof...(Blocks)) {
      return x;
    } else {
      return each<I + 1>(step(std::get<I>(blocks), std::integral_constant<std::size_t, I>{}, x), step);
    }
  }
};

namespace detail {
template <class Block, std::size_t... I>
auto repeat(std::index_sequence<I...>)
    -> Stack<std::conditional_t<true, Block, std::integral_constant<std::size_t, I>>...>;
template <template <class> class Block, template <class> class Last, class P, std::size_t I, std::size_t Depth>
struct BlockAt {
  using type = Block<block_policy<P, I, Depth>>;
};
template <template <class> class Block, template <class> class Last, class P, std::size_t I>
struct BlockAt<Block, Last, P, I, I + 1> {
  using type = Last<block_policy<P, I, I + 1>>;
};
template <template <class> class Block, template <class> class Last, class P, std::size_t... I>
auto blocks(std::index_sequence<I...>) -> Stack<typename BlockAt<Block, Last, P, I, sizeof...(I)>::type...>;
}  // namespace detail
// N blocks of one type, which share their code.
template <std::size_t N, class Block>
using Repeat = decltype(detail::repeat<Block>(std::make_index_sequence<N>{}));
// Depth blocks, each of the policy that P's tuning gives it (freeze_first and others): the blocks of a model.
// `template <class Q> using block_with = vt::Block<D, Heads, Hidden, Q>; vt::Blocks<12, block_with, P> blocks;`. Blocks
// that are treated alike have one type and share their code; without such a tuning this is Repeat<Depth, Block<P>>. The
// last one may be of another kind.
template <std::size_t Depth, template <class> class Block, class P, template <class> class Last = Block>
using Blocks = decltype(detail::blocks<Block, Last, P>(std::make_index_sequence<Depth>{}));

}  // namespace vitrail::inline VITRAIL_TU
