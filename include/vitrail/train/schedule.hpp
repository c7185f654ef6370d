// schedule.hpp - the learning rate as a function of the step.
#pragma once

#include <cmath>
#include <cstdint>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

// Rises linearly from peak / warm_up over `warm_up` steps to `peak`, then falls along half a cosine to `last` at
// `steps` (Loshchilov and Hutter 2017).
struct CosineSchedule {
  double peak = 1e-3, last = 0;
  std::uint64_t warm_up = 0, steps = 1;

  // The rate of the step with this number, from 0.
  double at(std::uint64_t step) const {
    if (step < warm_up) return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
    if (step >= steps) return last;
    const double done = static_cast<double>(step - warm_up) / static_cast<double>(steps - warm_up);
    return last + (peak - last) * 0.5 * (1 + std::cos(3.141592653589793 * done));
  }
};

}  // namespace vitrail::inline VITRAIL_TU
