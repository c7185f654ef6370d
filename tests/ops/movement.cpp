// movement.cpp - what moves data, one program for all; and what an embedding refuses.
#include "cases_movement.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(rearrange, registry::rearrange_cases)
VITRAIL_TEST_CASES(permute, registry::permute_cases)
VITRAIL_TEST_CASES(repeat, registry::repeat_cases)
