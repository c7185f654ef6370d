// broadcast.cpp - operands that repeat: one for the whole batch, or the last axes only.
#include "cases_elementwise.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(broadcast, registry::broadcast_cases)
