// param.hpp - a parameter as a module holds it: a pointer into the model's flat buffer and, if trainable, a number.
#pragma once

#include <cstddef>

#include "../shape/shape.hpp"

namespace vitrail::inline VITRAIL_TU {

// The values live in a vt::Model; a module alone (in a constant, say) has null pointers. `slot` is the ordinal of the
// parameter among the trainable ones. A frozen parameter has none: nothing can ask for its gradient. Initial says how
// it starts (nn/initial.hpp).
template <class S, class T, bool Trainable, bool Decays, class Initial>
struct Parameter {
  using shape = S;
  using value = T;
  using initial = Initial;
  static constexpr bool trainable = true, decays = Decays;
  const T* data = nullptr;
  int slot = -1;
};
template <class S, class T, bool Decays, class Initial>
struct Parameter<S, T, false, Decays, Initial> {
  using shape = S;
  using value = T;
  using initial = Initial;
  static constexpr bool trainable = false, decays = false;
  const T* data = nullptr;
};

template <class X>
inline constexpr bool is_parameter = false;
template <class S, class T, bool Trainable, bool Decays, class Initial>
inline constexpr bool is_parameter<Parameter<S, T, Trainable, Decays, Initial>> = true;

}  // namespace vitrail::inline VITRAIL_TU
