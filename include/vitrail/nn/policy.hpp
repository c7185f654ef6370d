// policy.hpp - a policy names, in one type, the value type, the backend and the tuning of everything that is built with
// it.
#pragma once

#include "../backend/openmp.hpp"
#include "tuning.hpp"

namespace vitrail::inline VITRAIL_TU {

// Own kernels, all cores. The default everywhere.
struct cpu {
  using value = float;
  using backend = OpenMP;
  using tune = train_all;
};
// For gradient checks: differences in float drown in rounding.
struct cpu_double : cpu {
  using value = double;
};
// The same policy with another tuning: with_tuning<vt::cpu, vt::train_only<vt::site::head>>.
template <class P, class Tune>
struct with_tuning : P {
  using tune = Tune;
};

}  // namespace vitrail::inline VITRAIL_TU
