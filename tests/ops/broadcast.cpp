// broadcast.cpp - operands that repeat: one for the whole batch, the last axes only, or any axes.
#include "cases_broadcast.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(broadcast, registry::broadcast_cases)
