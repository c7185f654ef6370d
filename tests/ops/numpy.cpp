// numpy.cpp - operands that repeat along any axes, as in NumPy.
#include "cases_broadcast.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(numpy, registry::numpy_cases)
