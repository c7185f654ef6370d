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

// A running statistic of a module, the mean of a batch norm, say: a value that a model owns and keeps under its name,
// but that no gradient reaches. It is no parameter by number; training steps move it (autodiff/statistics.hpp).
template <class S, class T, class Initial>
struct RunningStatistic {
  using shape = S;
  using value = T;
  using initial = Initial;
  static constexpr bool trainable = false, decays = false;
  const T* data = nullptr;
};
template <class X>
inline constexpr bool is_statistic = false;
template <class S, class T, class Initial>
inline constexpr bool is_statistic<RunningStatistic<S, T, Initial>> = true;

// What a module has besides modules.
template <class X>
inline constexpr bool is_parameter = is_statistic<X>;
template <class S, class T, bool Trainable, bool Decays, class Initial>
inline constexpr bool is_parameter<Parameter<S, T, Trainable, Decays, Initial>> = true;

}  // namespace vitrail::inline VITRAIL_TU
