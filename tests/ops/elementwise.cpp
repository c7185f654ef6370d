// elementwise.cpp - the elementwise functions.
#include "cases_elementwise.hpp"
#include "checks.hpp"

using namespace registry;

VITRAIL_TEST_CASES(elementwise, function_cases)
