// keep.hpp - values in the middle of a step: keeping them to its end, and reading them.
#pragma once

#include "../tensor/view.hpp"
#include "driver.hpp"

namespace vitrail::inline VITRAIL_TU {

// Keeps a value to the end of the planned step, as if the step returned it; else its memory is given to others when it
// was read for the last time. Returns it.
template <class V>
requires is_var<V>
constexpr V keep(const V& v) {
  if constexpr (requires { v.ctx->keep(v.id); }) {
    if (v.id >= 0) v.ctx->keep(v.id);
  }
  return v;
}

// The values of a Var: in a callable, for printing and debugging, and of kept values after the step too, until the next
// one. Throws error, which names the operation, if the plan has given their memory to others. While a step is traced
// there are none: the view is empty.
template <class V>
requires is_var<V>
auto read(const V& v) {
  using T = typename V::stored;
  if constexpr (requires { v.ctx->count(); }) {
    v.ctx->check_alive(v.id);
    return BatchView<typename V::shape, const T>(v.data, V::batched ? v.ctx->count() : 1);
  } else {
    return BatchView<typename V::shape, const T>(nullptr, 0);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
