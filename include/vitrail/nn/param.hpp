// param.hpp - a parameter or a running statistic as modules declare it: its shape, policy, site and start.
#pragma once

#include "../autodiff/param.hpp"
#include "initial.hpp"
#include "site.hpp"

namespace vitrail::inline VITRAIL_TU {

// Weight decay is for weights: not for vectors (biases, norms), and not where the site says so.
template <class S, class Site>
constexpr bool decays_at() {
  if constexpr (requires { Site::decays; }) {
    return Site::decays;
  } else {
    return S::rank > 1;
  }
}

// `vt::Param<vt::Shape<D>, P, vt::site::norm, vt::initial::ones> weight;` Whether it trains is up to P's tuning.
template <class S, class P, class Site = site::none, class Initial = initial::zeros>
using Param = Parameter<S, typename P::value, P::tune::template trains<Site>, decays_at<S, Site>(), Initial>;

// A running statistic: `vt::Statistic<vt::Shape<C>, P, vt::initial::ones> running_var;`.
template <class S, class P, class Initial = initial::zeros>
using Statistic = RunningStatistic<S, typename P::value, Initial>;

}  // namespace vitrail::inline VITRAIL_TU
