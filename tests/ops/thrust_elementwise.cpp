// thrust_elementwise.cpp - the elementwise cases on Thrust, which has the required set of a backend and nothing more.
#include <vitrail/nn/policy_thrust.hpp>

#include "cases_broadcast.hpp"
#include "thrust_runner.hpp"

TEST_CASE("Thrust: the elementwise cases") {
  const ThrustRunner run;
  registry::function_cases(run);
  registry::arithmetic_cases(run);
  registry::broadcast_cases(run);
  registry::numpy_cases(run);
}
