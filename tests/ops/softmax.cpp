// softmax.cpp - softmax and layer norm.
#include "cases_rows.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(softmax, registry::softmax_cases)
