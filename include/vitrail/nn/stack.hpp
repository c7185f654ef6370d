// stack.hpp - blocks one after the other. They may differ, and the type of x may change on the way, from untracked to
// tracked.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "module.hpp"

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
  // step(block, its number, x) for one block after the other, each on the result of the one before.
  template <std::size_t I = 0, class X, class Step>
  constexpr auto each(const X& x, const Step& step) const {
    if constexpr (I == sizeof...(Blocks)) {
      return x;
    } else {
      return each<I + 1>(step(std::get<I>(blocks), I, x), step);
    }
  }
};

namespace detail {
template <class Block, std::size_t... I>
auto repeat(std::index_sequence<I...>)
    -> Stack<std::conditional_t<true, Block, std::integral_constant<std::size_t, I>>...>;
}  // namespace detail
// N blocks of one type, which share their code.
template <std::size_t N, class Block>
using Repeat = decltype(detail::repeat<Block>(std::make_index_sequence<N>{}));

}  // namespace vitrail::inline VITRAIL_TU
