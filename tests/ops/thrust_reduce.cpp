// thrust_reduce.cpp - reductions on Thrust, which has the required set of a backend and nothing more.
#include <vitrail/nn/policy_thrust.hpp>

#include "cases_reduce.hpp"
#include "thrust_runner.hpp"

TEST_CASE("Thrust: reductions") {
  const ThrustRunner run;
  registry::reduce_axes_cases(run);
  registry::reduce_kind_cases(run);
}
