// relative_position.cpp - the bias of a window's scores, and Swin v2's cosines.
#include "cases_attention.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(relative_position, registry::relative_position_cases)
