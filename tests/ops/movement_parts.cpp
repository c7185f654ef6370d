// movement_parts.cpp - parts of an axis: slice, pad, concat, stack; and rows of a table.
#include "cases_movement.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(slice, registry::slice_cases)
VITRAIL_TEST_CASES(concat, registry::concat_cases)
VITRAIL_TEST_CASES(embedding, registry::embedding_cases)
