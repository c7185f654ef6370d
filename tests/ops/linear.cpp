// linear.cpp - products with weights, and the patch embedding.
#include "cases_linear.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(linear, registry::linear_cases)
