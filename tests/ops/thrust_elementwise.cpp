// thrust_elementwise.cpp - the elementwise cases on Thrust, which has the required set of a backend and nothing more.
#include <vitrail/nn/policy_thrust.hpp>

#include "cases_elementwise.hpp"
#include "checks.hpp"

namespace {

struct ThrustRunner {
  template <class C>
  void operator()(const C& c) const {
    const vitrail::thrust_host::backend backend{};
    registry::check_values<vitrail::thrust_host>(c, backend, "thrust_host");
    registry::check_plan<vitrail::thrust_host>(c, backend, "thrust_host");
  }
};

}  // namespace

TEST_CASE("Thrust: the elementwise cases") {
  const ThrustRunner run;
  registry::function_cases(run);
  registry::arithmetic_cases(run);
  registry::broadcast_cases(run);
}
