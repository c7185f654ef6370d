// arithmetic.cpp - elementwise arithmetic, with numbers and with repeated operands, and chains of sums.
#include "cases_elementwise.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(arithmetic, registry::arithmetic_cases)
