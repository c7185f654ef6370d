// thrust_runner.hpp - runs a case on Thrust, which has the required set of a backend and nothing more.
#pragma once

#include <vitrail/nn/policy_thrust.hpp>

#include "checks.hpp"

struct ThrustRunner {
  template <class C>
  void operator()(const C& c) const {
    const vitrail::thrust_host::backend backend{};
    registry::check_values<vitrail::thrust_host>(c, backend, "thrust_host");
  }
};
