// loss.cpp - cross-entropy.
#include "cases_rows.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(loss, registry::loss_cases)
