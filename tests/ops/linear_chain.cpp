// linear_chain.cpp - products one after the other, and residuals that are read again.
#include "cases_linear.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(linear_chain, registry::linear_chain_cases)
