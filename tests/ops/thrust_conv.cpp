// thrust_conv.cpp - convolutions, pooling and the norms of channels on Thrust, which has the required set of a backend
// and nothing more.
#include <vitrail/nn/policy_thrust.hpp>

#include "cases_conv.hpp"
#include "thrust_runner.hpp"

TEST_CASE("Thrust: convolutions, pooling and the norms of channels") {
  const ThrustRunner run;
  registry::conv_cases(run);
  registry::pool_cases(run);
  registry::channel_norm_cases(run);
}
