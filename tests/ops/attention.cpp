// attention.cpp - fused attention, and heads taken apart and put together.
#include "cases_rows.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(attention, registry::attention_cases)
