// linear_layer.hpp - a linear layer taken apart and put together again, for what wraps one.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "../nn/linear.hpp"
#include "../ops/concat.hpp"
#include "../ops/low_rank.hpp"
#include "../ops/slice.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class Layer>
struct error_lora_wraps_something_else_than_a_linear_layer;

namespace detail {

// A linear layer taken apart, and put together again with another policy.
template <class L>
struct LinearLayer;
template <std::size_t In, std::size_t Out, class P, class Site>
struct LinearLayer<PlainLinear<In, Out, P, Site>> {
  static constexpr std::size_t in = In, out = Out;
  static constexpr bool has_bias = true;
  using policy = P;
  using place = Site;
  template <class Q>
  using with = PlainLinear<In, Out, Q, Site>;
};
template <std::size_t In, std::size_t Out, class P, class Site>
struct LinearLayer<PlainUnbiased<In, Out, P, Site>> {
  static constexpr std::size_t in = In, out = Out;
  static constexpr bool has_bias = false;
  using policy = P;
  using place = Site;
  template <class Q>
  using with = PlainUnbiased<In, Out, Q, Site>;
};
template <class L>
struct LinearLayer : LinearLayer<PlainLinear<1, 1, cpu, site::none>> {  // so that there is one error only
  static_assert(sizeof(error_lora_wraps_something_else_than_a_linear_layer<L>) > 0);
};
template <class Site>
struct FreezeWeightAt {
  template <class Tune>
  struct tuning : Tune {
    template <class At>
    static constexpr bool trains = !std::is_same_v<At, Site> && Tune::template trains<At>;
  };
};
// The layer with its weight frozen; its bias trains if the tuning says so.
template <class L>
struct WithFrozenWeight {
  using Layer = LinearLayer<L>;
  using P = typename Layer::policy;
  using Site = typename Layer::place;
  using Frozen = with_tuning<P, typename FreezeWeightAt<Site>::template tuning<typename P::tune>>;
  using type = typename Layer::template with<std::conditional_t<P::tune::template trains<Site>, Frozen, P>>;
};

// Of the factors of the parts, one below the other, those of part I; ones where there are none.
template <parts Parts, std::size_t I, class V>
constexpr auto factors_of_part(const V& factors) {
  constexpr std::size_t width = V::shape::size / Parts.selected();
  constexpr std::size_t before = parts{I, Parts.mask}.selected();
  if constexpr (Parts.has(I)) {
    return slice<0, before * width, (before + 1) * width>(factors);
  } else {
    return evaluate(slice<0, 0, width>(detach(factors)) * 0.0 + 1.0);
  }
}
template <parts Parts, class V>
constexpr auto factors_of_columns(const V& factors) {
  if constexpr (Parts.selected() == Parts.count) {
    return factors;
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return concat<0>(factors_of_part<Parts, I>(factors)...); }
    (std::make_index_sequence<Parts.count>{});
  }
}

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
