// cross_attention.cpp - attention of separate queries, keys and values, with bias and masks.
#include "cases_attention.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(cross_attention, registry::cross_attention_cases)
