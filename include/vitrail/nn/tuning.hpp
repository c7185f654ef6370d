// tuning.hpp - which parameters train, and what stands at the place of a linear layer: the `tune` part of a policy.
#pragma once

#include <cstddef>
#include <type_traits>

#include "site.hpp"

namespace vitrail::inline VITRAIL_TU {

template <std::size_t In, std::size_t Out, class P, class Site>
struct PlainLinear;

// Everything trains (or, with false, nothing).
template <bool Trains>
struct train_everything {
  template <class Site>
  static constexpr bool trains = Trains;
  template <std::size_t In, std::size_t Out, class P, class Site>
  using linear = PlainLinear<In, Out, P, Site>;
};
using train_all = train_everything<true>;
using freeze_all = train_everything<false>;

// Only parameters at these sites train: train_only<site::head> is a linear probe.
template <class... Sites>
struct train_only {
  template <class Site>
  static constexpr bool trains = (std::is_same_v<Site, Sites> || ...);
  template <std::size_t In, std::size_t Out, class P, class Site>
  using linear = PlainLinear<In, Out, P, Site>;
};

}  // namespace vitrail::inline VITRAIL_TU
