// low_rank.cpp - what LoRA and DoRA add to a product.
#include "cases_linear.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(low_rank, registry::low_rank_cases)
VITRAIL_TEST_CASES(low_rank_norm, registry::low_rank_norm_cases)
