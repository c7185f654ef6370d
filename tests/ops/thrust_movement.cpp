// thrust_movement.cpp - what moves data on Thrust, which has the required set of a backend and nothing more.
#include <vitrail/nn/policy_thrust.hpp>

#include "cases_movement.hpp"
#include "thrust_runner.hpp"

TEST_CASE("Thrust: what moves data") {
  const ThrustRunner run;
  registry::rearrange_cases(run);
  registry::permute_cases(run);
  registry::repeat_cases(run);
  registry::slice_cases(run);
  registry::concat_cases(run);
  registry::embedding_cases(run);
}
