// policy_serial.hpp - the policies of the oracle: one thread, Eigen's products. Apart, because Eigen takes a second to
// compile.
#pragma once

#include "../backend/serial.hpp"
#include "tuning.hpp"

namespace vitrail::inline VITRAIL_TU {

struct serial {
  using value = float;
  using backend = Serial;
  using tune = train_all;
};
struct serial_double : serial {
  using value = double;
};

}  // namespace vitrail::inline VITRAIL_TU
