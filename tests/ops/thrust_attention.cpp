// thrust_attention.cpp - cross-attention and window attention on Thrust, which has the required set of a backend and
// nothing more.
#include <vitrail/nn/policy_thrust.hpp>

#include "cases_attention.hpp"
#include "thrust_runner.hpp"

TEST_CASE("Thrust: cross-attention and window attention") {
  const ThrustRunner run;
  registry::cross_attention_cases(run);
  registry::window_attention_cases(run);
  registry::relative_position_cases(run);
}
