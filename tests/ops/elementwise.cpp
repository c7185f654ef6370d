// elementwise.cpp - the elementwise functions.
#include "cases_elementwise.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(elementwise, registry::function_cases)
