// probe.hpp - the context of questions about types: nothing is computed, counted or recorded.
#pragma once

#include "driver.hpp"

namespace vitrail::inline VITRAIL_TU {

// Silent: inputs that an operation refuses are no error; the result is a RefusedVar. Forward as in inference, so that
// no operation needs a backward.
template <bool Silent>
struct Probe {
  using value = float;
  static constexpr bool gradients = false, training = false, silent = Silent;

  template <class Op, class... V>
  constexpr auto run(const Op&, const V&... v) {
    if constexpr (sizeof...(V) > max_inputs) {
      return refuse<error_too_many_inputs_split_the_expression_with_vt_Var<sizeof...(V), max_inputs>>(v...);
    } else {
      return Var < typename Op::shape, (V::batched || ...) && !mixes_samples<Op>, false, Probe > (this, -1, nullptr);
    }
  }
};

// Only shapes matter: parameters of any value type take part.
template <bool Silent, class V>
constexpr auto as_var(Probe<Silent>* ctx, const V& v) {
  if constexpr (is_var<V>) {
    return v;
  } else {
    return Var<typename V::shape, false, false, Probe<Silent>>(ctx, -1, nullptr);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
