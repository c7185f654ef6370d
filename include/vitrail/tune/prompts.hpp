// prompts.hpp - visual prompt tuning: tokens that train, among those of a frozen ViT (Jia et al. 2022, "Visual Prompt
// Tuning"). They start at random, so that a prompted model does not start as its base: attention sees them.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../nn/block.hpp"
#include "../nn/module.hpp"
#include "../nn/param.hpp"
#include "../ops/slice.hpp"

namespace vitrail::inline VITRAIL_TU {

// VPT-shallow: Count tokens [Count, D] that go through all blocks, [class token, prompts, patches]. They have no
// positions. Inputs: numbers in a patch; prompts start uniform in +-sqrt(6 / (Inputs + D)), as published.
template <std::size_t D, std::size_t Count, std::size_t Inputs, class P = cpu>
struct ShallowPrompts : Module<ShallowPrompts<D, Count, Inputs, P>> {
  static constexpr std::size_t tokens_in_sequence = Count;
  Param<Shape<1, Count, D>, P, site::prompt, initial::uniform_fan_in_out<Inputs, D>> prompt_embeddings;

  static constexpr void visit(auto& self, auto&& f) { f("prompt_embeddings", self.prompt_embeddings); }
  // As a Var of the step of x.
  constexpr auto tokens(const auto& x) const {
    return as_var(detail::context_of(x), detail::as_shape<Shape<Count, D>>(prompt_embeddings));
  }
};

// VPT-deep: each of Depth blocks has Count tokens of its own, and what a block makes of them is thrown away. So they
// take part as KeysOnly: the same function with less work, since keys and values are computed once for a batch, and
// nothing else is computed of them.
template <std::size_t D, std::size_t Count, std::size_t Inputs, std::size_t Depth, class P = cpu>
struct DeepPrompts : Module<DeepPrompts<D, Count, Inputs, Depth, P>> {
  using Initial = initial::uniform_fan_in_out<Inputs, D>;
  using Deep = std::conditional_t<(Depth > 1), Param<Shape<Depth - 1, Count, D>, P, site::prompt, Initial>, Absent>;
  static constexpr std::size_t absent_members = Depth > 1 ? 0 : 1;
  Param<Shape<1, Count, D>, P, site::prompt, Initial> prompt_embeddings;
  Deep deep_prompt_embeddings;

  static constexpr void visit(auto& self, auto&& f) {
    f("prompt_embeddings", self.prompt_embeddings);
    if constexpr (Depth > 1) f("deep_prompt_embeddings", self.deep_prompt_embeddings);
  }
  // Of block I, as Vars of the step of x.
  template <std::size_t I>
  constexpr auto keys(const auto& x) const {
    auto* step = detail::context_of(x);
    if constexpr (I == 0) {
      return KeysOnly{as_var(step, detail::as_shape<Shape<Count, D>>(prompt_embeddings))};
    } else {
      Var own = slice<0, I - 1, I>(as_var(step, deep_prompt_embeddings));
      return KeysOnly{reshape<Shape<Count, D>>(own)};
    }
  }
};

namespace detail {
template <std::size_t D, std::size_t Count, std::size_t Blocks, class P, class Initial>
using PromptsOfBlocks =
    std::conditional_t<(Blocks > 0), Param<Shape<Blocks, Count, D>, P, site::prompt, Initial>, Absent>;
// The first block of all has a parameter of its own.
template <std::size_t D, std::size_t Count, class P, class Initial, class Stages, std::size_t... Depths>
struct PromptsOfStages;
template <std::size_t D, std::size_t Count, class P, class Initial, std::size_t... S, std::size_t... Depths>
struct PromptsOfStages<D, Count, P, Initial, std::index_sequence<S...>, Depths...> {
  using type = std::tuple<PromptsOfBlocks<(D << S), Count, Depths - (S == 0), P, Initial>...>;
};
}  // namespace detail

// VPT-deep in a Swin whose stages have Depths blocks, of D, 2 D, ... channels. Every window sees them, as in the
// authors' program: they have no positions and no mask.
template <std::size_t D, std::size_t Count, std::size_t Inputs, class P, std::size_t... Depths>
struct DeepWindowPrompts : Module<DeepWindowPrompts<D, Count, Inputs, P, Depths...>> {
  static constexpr bool has_uncounted_members = true;  // a tuple is one member, but visited stage by stage
  using Stages = std::make_index_sequence<sizeof...(Depths)>;
  using Initial = initial::uniform_fan_in_out<Inputs, D>;
  Param<Shape<1, Count, D>, P, site::prompt, Initial> prompt_embeddings;
  typename detail::PromptsOfStages<D, Count, P, Initial, Stages, Depths...>::type deep;

  static constexpr void visit(auto& self, auto&& f) {
    f("prompt_embeddings", self.prompt_embeddings);
    [&]<std::size_t... S>(std::index_sequence<S...>) { (visit_stage<S>(std::get<S>(self.deep), f), ...); }
    (Stages());
  }
  // Of block I of the whole model, as Vars of the step of x.
  template <std::size_t I, std::size_t S = 0, std::size_t First = 0>
  constexpr auto keys(const auto& x) const {
    auto* step = detail::context_of(x);
    if constexpr (I == 0) {
      return KeysOnly{as_var(step, detail::as_shape<Shape<Count, D>>(prompt_embeddings))};
    } else if constexpr (I >= First + depth(S)) {
      return keys<I, S + 1, First + depth(S)>(x);
    } else {
      constexpr std::size_t own = I - First - (S == 0);
      Var prompts = slice<0, own, own + 1>(as_var(step, std::get<S>(deep)));
      return KeysOnly{reshape<Shape<Count, (D << S)>>(prompts)};
    }
  }

 private:
  static constexpr std::size_t depth(std::size_t stage) {
    constexpr std::size_t depths[] = {Depths...};
    return depths[stage];
  }
  template <std::size_t S, class Prompts>
  static constexpr void visit_stage(Prompts& prompts, auto&& f) {
    constexpr const char* names[] = {"deep_prompt_embeddings_0", "deep_prompt_embeddings_1", "deep_prompt_embeddings_2",
                                     "deep_prompt_embeddings_3"};
    if constexpr (!std::is_same_v<std::remove_const_t<Prompts>, Absent>) f(names[S], prompts);
  }
};

template <std::size_t D>
struct error_prompts_are_none;

namespace detail {
template <std::size_t Count, bool Deep>
struct PromptTuning : freeze_all {
  template <class Site>
  static constexpr bool trains = std::is_same_v<Site, site::prompt>;
  template <std::size_t D, class P, class Place>
  struct At {
    using type = Absent;
  };
  template <std::size_t D, class P, std::size_t Inputs, std::size_t Depth>
  struct At<D, P, place::tokens<Inputs, Depth>> {
    static_assert(sizeof(std::conditional_t<Count == 0, error_prompts_are_none<D>, P>) > 0);
    using type = std::conditional_t<Deep, DeepPrompts<D, Count, Inputs, Depth, P>, ShallowPrompts<D, Count, Inputs, P>>;
  };
  template <std::size_t D, class P, std::size_t Inputs, std::size_t... Depths>
  struct At<D, P, place::window_tokens<Inputs, Depths...>> {
    static_assert(sizeof(std::conditional_t<Count == 0, error_prompts_are_none<D>, P>) > 0);
    using type = std::conditional_t<Deep, DeepWindowPrompts<D, Count, Inputs, P, Depths...>,
                                    ShallowPrompts<D, Count, Inputs, P>>;
  };
  template <std::size_t D, class P, class Place>
  using added = typename At<D, P, Place>::type;
};
}  // namespace detail

// So many prompts in a ViT, in front of the first block or, deep, in every block. The mean of the patches leaves them
// out.
struct visual_prompts {
  std::size_t count = 10;
  bool deep = false;

  template <auto Self>
  using tuning = detail::PromptTuning<Self.count, Self.deep>;
  static constexpr bool merges = false;
  static constexpr double rate = 1e-2;
};

}  // namespace vitrail::inline VITRAIL_TU
