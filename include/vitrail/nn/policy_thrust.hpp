// policy_thrust.hpp - policies that run a model on Thrust: vt::Model<vt::ViT_S16<vt::thrust_host>>. Needs Thrust, hence
// apart.
#pragma once

#include "../backend/thrust.hpp"
#include "tuning.hpp"

namespace vitrail::inline VITRAIL_TU {

// OpenMP's threads through Thrust; needs -fopenmp.
struct thrust_host {
  using value = float;
  using backend = Thrust<thrust_omp>;
  using tune = train_all;
};
struct thrust_host_double : thrust_host {
  using value = double;
};
// The calling thread alone.
struct thrust_sequential {
  using value = float;
  using backend = Thrust<thrust_cpp>;
  using tune = train_all;
};
struct thrust_sequential_double : thrust_sequential {
  using value = double;
};

}  // namespace vitrail::inline VITRAIL_TU
