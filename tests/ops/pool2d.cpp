// pool2d.cpp - pooling, and the norms of channels.
#include "cases_conv.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(pool2d, registry::pool_cases)
VITRAIL_TEST_CASES(channel_norm, registry::channel_norm_cases)
