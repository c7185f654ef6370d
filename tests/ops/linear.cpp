// linear.cpp - products with weights.
#include "cases_linear.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(linear, registry::linear_cases)
