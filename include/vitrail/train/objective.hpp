// objective.hpp - what fit makes small, and which logits it counts as the model's answer.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

#include "../autodiff/callable.hpp"
#include "../expr/evaluate.hpp"
#include "../ops/cross_entropy.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <class... V>
constexpr auto mean_of(const V&... all) {
  Var mean = (... + all) * (1.0 / sizeof...(V));
  return mean;
}
}  // namespace detail

// The mean cross-entropy of the logits [C] that a model gives. Of several heads' (a distilled DeiT while it trains) the
// mean of their losses, all with the same labels, and the mean of their logits.
struct Classification {
  CrossEntropyOptions options = {};

  constexpr auto operator()(const auto& net, const auto& images, const auto& labels) const {
    const auto out = net(images);
    if constexpr (is_var<std::remove_cvref_t<decltype(out)>>) {
      return vitrail::Step{cross_entropy(out, labels, options), out};
    } else {
      const auto mean_of = [](const auto&... all) { return detail::mean_of(all...); };
      const auto losses_of = [&](const auto&... logits) {
        return std::tuple{cross_entropy(logits, labels, options)...};  // in this order, which arguments would not be
      };
      return vitrail::Step{std::apply(mean_of, std::apply(losses_of, out)), std::apply(mean_of, out)};
    }
  }
};

}  // namespace vitrail::inline VITRAIL_TU
