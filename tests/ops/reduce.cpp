// reduce.cpp - reductions over axes by number and by pattern.
#include "cases_reduce.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(reduce_axes, registry::reduce_axes_cases)
