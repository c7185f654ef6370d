// attention.cpp - fused attention.
#include "cases_rows.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(attention, registry::attention_cases)
